package fetch

import (
	"net/http"
	"strings"
)

// loopName is this software's cdn-id in CDN-Loop (RFC 8586 §2).
const loopName = "mirrornet"

// MaxHops is how many of this network's nodes a request may have passed.
const MaxHops = 2

func loopMember(node string) string {
	if node == "" {
		return loopName
	}
	return loopName + `; node="` + strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, node) + `"`
}

// Hops counts this network's members of a request's CDN-Loop field. More than
// 0: another edge forwarded it.
func Hops(h http.Header) (n int) {
	for _, line := range h["Cdn-Loop"] {
		for member := range strings.SplitSeq(line, ",") {
			id, _, _ := strings.Cut(member, ";")
			if strings.EqualFold(strings.TrimSpace(id), loopName) {
				n++
			}
		}
	}
	return n
}
