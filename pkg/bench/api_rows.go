//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// apiRow is one kind of request to the origin.
type apiRow struct {
	name, title string
	targets     []string // asked one after the other, over and over
	accept      string
	body        string  // of a POST
	goal        float64 // answers a second over SQLite, on one core; 0: reported alone
	contains    string  // what an answer has in it
}

// data is what the rows ask for.
type data struct {
	genes, sequences, xrefs []string // stable ids
	region, species         string   // of a million bases
}

// The goals are 30 times half of what the reference did with two workers
// on a machine of this kind.
func (d data) rows() []apiRow {
	const json = "application/json"
	each := func(format string, ids []string) (targets []string) {
		for _, id := range ids {
			targets = append(targets, fmt.Sprintf(format, id))
		}
		return targets
	}
	return []apiRow{
		{name: "lookup/id", title: "what an id names", targets: each("/lookup/id/%s", d.genes), accept: json, goal: 3900, contains: `"object_type"`},
		{name: "lookup/id?expand=1", title: "with transcripts, exons and translations", targets: each("/lookup/id/%s?expand=1", d.genes), accept: json, contains: `"Transcript"`},
		{name: "POST lookup/id", title: "1,000 ids at once", targets: []string{"/lookup/id"}, accept: json, body: d.batch(), contains: `"object_type"`},
		{name: "sequence/id", title: "a gene's, a transcript's or a protein's sequence", targets: each("/sequence/id/%s", d.sequences), accept: "text/plain", goal: 4700},
		{name: "sequence/region 1 Mb", title: "a million bases", targets: []string{"/sequence/region/" + d.species + "/" + d.region}, accept: "text/plain"},
		{name: "overlap/region 1 Mb", title: "genes and transcripts of a million bases", targets: []string{"/overlap/region/" + d.species + "/" + d.region + "?feature=gene;feature=transcript"}, accept: json, goal: 5700, contains: `"transcript"`},
		{name: "xrefs/id", title: "references of a gene", targets: each("/xrefs/id/%s", d.xrefs), accept: json, contains: "["},
		{name: "info/species", title: "all species", targets: []string{"/info/species"}, accept: json, goal: 12600, contains: `"species"`},
	}
}

// batch is a POST body of 1,000 different ids; where there are fewer, the rest
// name nothing.
func (d data) batch() string {
	ids := slices.Clone(d.genes)
	for i := 0; len(ids) < 1000; i++ {
		ids = append(ids, fmt.Sprintf("ENSG%011d", 99_000_000_000+i))
	}
	text, _ := json.Marshal(map[string][]string{"ids": ids[:1000]}) // only strings
	return string(text)
}

// sampleData is what can be asked of the small made-up genome.
var sampleData = data{
	genes:     []string{"ENSG00000157764", "ENSG00000139618", "ENSG00000184216"},
	sequences: []string{"ENSG00000157764", "ENST00000288602", "ENSP00000288602"},
	xrefs:     []string{"ENSG00000157764", "ENSG00000139618"},
	region:    "7:140000000-140999999", species: "homo_sapiens",
}

// testData is what can be asked of the reference's test databases.
func testData(dir string) (data, error) {
	d := data{species: "homo_sapiens", region: "6:1000000-1999999"}
	var err error
	for _, kind := range []struct{ table, prefix string }{{"gene", "ENSG0"}, {"transcript", "ENST0"}, {"translation", "ENSP0"}} {
		ids, rerr := idsIn(filepath.Join(dir, "homo_sapiens", "core", kind.table+".txt"), kind.prefix)
		err = errors.Join(err, rerr)
		if d.sequences = append(d.sequences, ids...); kind.table == "gene" {
			d.genes, d.xrefs = ids, ids
		}
	}
	return d, err
}

// idsIn finds the stable ids in a table's dump.
func idsIn(file, prefix string) (ids []string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		columns := strings.Split(lines.Text(), "\t")
		if i := slices.IndexFunc(columns, func(c string) bool { return strings.HasPrefix(c, prefix) }); i >= 0 {
			ids = append(ids, columns[i])
		}
	}
	if len(ids) == 0 && lines.Err() == nil {
		return nil, fmt.Errorf("%s names nothing that begins with %s", file, prefix)
	}
	return ids, lines.Err()
}
