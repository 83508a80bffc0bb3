package rfc9111

import (
	"strconv"

	"github.com/dunglas/httpsfv"
)

// parseTargeted reads a targeted field, which is a Structured Fields
// dictionary. False where it is empty, does not parse, or has a number of
// seconds of another type: then it is as if the field were absent.
func parseTargeted(lines []string) (r responseDirectives, ok bool) {
	dict, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil || len(dict.Names()) == 0 {
		return r, false
	}
	for _, name := range dict.Names() {
		member, _ := dict.Get(name)
		item, isItem := member.(httpsfv.Item)
		d := directive{name: name, arg: malformed}
		if isItem {
			switch v := item.Value.(type) {
			case bool:
				if !v {
					continue
				}
				d.arg = none
			case string:
				d.arg, d.value = quoted, v
			case httpsfv.Token:
				d.arg, d.value = token, string(v)
			}
		}
		switch name {
		case "max-age", "s-maxage", "stale-while-revalidate", "stale-if-error":
			n, isInt := item.Value.(int64)
			if !isItem || !isInt {
				return responseDirectives{}, false
			}
			n = max(n, 0) // negative: stale at once
			d.arg, d.value = token, strconv.FormatInt(n, 10)
		}
		r.add(d)
	}
	r.targeted = true
	return r, true
}
