package genomedb

import (
	"regexp"
	"strconv"
	"strings"
)

// ancestral is the owner of the core database of ancestral sequences. It is a
// species to the API's list, and to nothing else.
const ancestral = "ancestral_sequences"

// named is how Ensembl names databases: homo_sapiens_core_115_38,
// aedes_aegypti_lvpagwg_core_62_115_3 (release of Ensembl Genomes, of Ensembl,
// assembly), ensembl_compara_115, ensembl_compara_plants_62_115. A database
// without a release is named as its species and kind: homo_sapiens_core.
var named = regexp.MustCompile(`^([a-z][a-z0-9_]*?)_(core|otherfeatures|cdna|rnaseq|vega|variation|funcgen|compara|ontology|stable_ids|ancestral)(?:((?:_[a-z]+)*)_(\d+(?:_[0-9a-z]+)*))?$`)

// ParseName reads the name that Ensembl gave a database: whose it is, and of
// which release; 0 where the name has none. ok is false for other names.
func ParseName(name string) (e Entry, release int, ok bool) {
	m := named.FindStringSubmatch(name)
	if m == nil {
		return Entry{}, 0, false
	}
	e = Entry{Name: name, Owner: m[1], Kind: m[2]}
	spans := e.Owner == "ensembl" || e.Owner == "ensemblgenomes" || e.Owner == "multi"
	if spans {
		e.Owner = "multi"
		if division := strings.TrimPrefix(m[3], "_"); division != "" {
			e.Owner = division
		}
	}
	if e.Kind == "ancestral" {
		e.Owner, e.Kind = ancestral, "core"
	}
	if m[4] == "" {
		return e, 0, true
	}
	numbers := strings.Split(m[4], "_")
	at := len(numbers) - 1
	if !spans && at > 0 { // the assembly's is the last
		at--
	}
	release, err := strconv.Atoi(numbers[at])
	return e, release, err == nil
}
