package sample

import "fmt"

// cloneSets are the sets of miscellaneous features, numbered from 1.
var cloneSets = []struct {
	code, name string
	length     int // of each clone
}{
	{"tilepath", "Tilepath", 60_000},
	{"cloneset_30k", "30k clone set", 90_000},
}

// clones covers a chromosome with clones of each set, each reaching over into
// the next.
func (a *annotator) clones(chromosome string, id, length int) {
	if len(a.values["misc_set"]) == 0 {
		for _, s := range cloneSets {
			a.add("misc_set", "code", s.code, "name", s.name, "description", "Made up by the sample", "max_length", s.length)
		}
	}
	for set, s := range cloneSets {
		for n, at := 0, ends; at+s.length <= length-ends; n++ {
			clone := a.add("misc_feature", "seq_region_id", id, "seq_region_start", at+1, "seq_region_end", at+s.length, "seq_region_strand", 1-n%2*2)
			a.add("misc_feature_misc_set", "misc_feature_id", clone, "misc_set_id", set+1)
			a.add("misc_attrib", "misc_feature_id", clone, "attrib_type_id", attrib("name"), "value", fmt.Sprintf("SM%s-%dC%d", chromosome, set+1, n+1))
			a.add("misc_attrib", "misc_feature_id", clone, "attrib_type_id", attrib("clone_name"), "value", fmt.Sprintf("RP%s-%03d", chromosome, 100*set+n))
			a.add("misc_attrib", "misc_feature_id", clone, "attrib_type_id", attrib("state"), "value", "free")
			at += s.length * 9 / 10
		}
	}
}
