package load

import (
	"fmt"
	"slices"
	"strings"
)

// selection says which databases are wanted.
type selection struct {
	species []string // production names, or multi
	kinds   []string
	release int
}

// common are names by which people ask for the species that most do. The names
// that a database itself knows are in it, and it is not read yet.
var common = map[string]string{
	"human": "homo_sapiens", "mouse": "mus_musculus", "rat": "rattus_norvegicus", "zebrafish": "danio_rerio", "chicken": "gallus_gallus",
	"pig": "sus_scrofa", "cow": "bos_taurus", "sheep": "ovis_aries_rambouillet", "dog": "canis_lupus_familiaris", "cat": "felis_catus",
	"horse": "equus_caballus", "rabbit": "oryctolagus_cuniculus", "chimpanzee": "pan_troglodytes", "macaque": "macaca_mulatta",
	"frog": "xenopus_tropicalis", "fruitfly": "drosophila_melanogaster", "worm": "caenorhabditis_elegans", "yeast": "saccharomyces_cerevisiae",
	"thale cress": "arabidopsis_thaliana", "rice": "oryza_sativa", "turkey": "meleagris_gallopavo", "zebra finch": "taeniopygia_guttata",
}

func newSelection(c Config) (selection, error) {
	s := selection{release: c.Release}
	for _, name := range c.Species {
		name = strings.ToLower(strings.TrimSpace(name))
		if scientific, ok := common[strings.ReplaceAll(name, "_", " ")]; ok {
			name = scientific
		}
		s.species = append(s.species, strings.ReplaceAll(name, " ", "_"))
	}
	for _, kind := range c.Kinds {
		kind = strings.ToLower(strings.TrimSpace(kind))
		if !slices.Contains(kinds, kind) {
			return s, fmt.Errorf("there is no kind of database %q: the kinds are %s", kind, strings.Join(kinds, ", "))
		}
		s.kinds = append(s.kinds, kind)
	}
	return s, nil
}

func (s selection) any() bool { return len(s.species)+len(s.kinds) > 0 || s.release != 0 }

func (s selection) String() string {
	var parts []string
	if len(s.species) > 0 {
		parts = append(parts, "the species "+strings.Join(s.species, " or "))
	}
	if len(s.kinds) > 0 {
		parts = append(parts, "the kind "+strings.Join(s.kinds, " or "))
	}
	if s.release != 0 {
		parts = append(parts, fmt.Sprintf("release %d", s.release))
	}
	return strings.Join(parts, " and ")
}

// takes says whether a database is wanted. Of one whose folder does not name
// its release, that is seen when it is loaded.
func (s selection) takes(d source) bool {
	return (len(s.species) == 0 || slices.ContainsFunc(s.species, func(name string) bool { return isOf(d, name) })) &&
		(len(s.kinds) == 0 || slices.Contains(s.kinds, d.entry.Kind)) &&
		(s.release == 0 || d.release == 0 || d.release == s.release)
}

func isOf(d source, species string) bool { return d.entry.Owner == species }

// missing is a species of which nothing was found.
func (s selection) missing(found []source) string {
	for _, name := range s.species {
		if !slices.ContainsFunc(found, func(d source) bool { return isOf(d, name) }) {
			return name
		}
	}
	return ""
}
