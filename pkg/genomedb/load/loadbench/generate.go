// Package loadbench measures how fast origin load is: on a generated dump of
// any size, and beside mariadb-import on dumps that exist.
package loadbench

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"mirrornet/pkg/genomedb/load/site"
)

// schema is of the tables that are most of a core database: Ensembl's columns
// and keys.
const schema = "CREATE TABLE `meta` (\n  `meta_id` int NOT NULL AUTO_INCREMENT,\n  `species_id` int unsigned DEFAULT '1',\n  `meta_key` varchar(40) NOT NULL,\n  `meta_value` varchar(255) NOT NULL,\n" +
	"  PRIMARY KEY (`meta_id`),\n  UNIQUE KEY `species_key_value_idx` (`species_id`,`meta_key`,`meta_value`),\n  KEY `species_value_idx` (`species_id`,`meta_value`)\n) ENGINE=MyISAM;\n" +
	"CREATE TABLE `dna` (\n  `seq_region_id` int unsigned NOT NULL,\n  `sequence` longtext NOT NULL,\n  PRIMARY KEY (`seq_region_id`)\n) ENGINE=MyISAM;\n" +
	"CREATE TABLE `repeat_feature` (\n  `repeat_feature_id` int unsigned NOT NULL AUTO_INCREMENT,\n  `seq_region_id` int unsigned NOT NULL,\n  `seq_region_start` int unsigned NOT NULL,\n  `seq_region_end` int unsigned NOT NULL,\n" +
	"  `seq_region_strand` tinyint(1) NOT NULL DEFAULT '1',\n  `repeat_start` int NOT NULL,\n  `repeat_end` int NOT NULL,\n  `repeat_consensus_id` int unsigned NOT NULL,\n  `analysis_id` smallint unsigned NOT NULL,\n  `score` double DEFAULT NULL,\n" +
	"  PRIMARY KEY (`repeat_feature_id`),\n  KEY `seq_region_idx` (`seq_region_id`,`seq_region_start`),\n  KEY `repeat_idx` (`repeat_consensus_id`),\n  KEY `analysis_idx` (`analysis_id`)\n) ENGINE=MyISAM;\n" +
	"CREATE TABLE `xref` (\n  `xref_id` int unsigned NOT NULL AUTO_INCREMENT,\n  `external_db_id` int unsigned NOT NULL,\n  `dbprimary_acc` varchar(512) NOT NULL,\n  `display_label` varchar(512) NOT NULL,\n  `version` varchar(10) DEFAULT NULL,\n  `description` text,\n" +
	"  `info_type` enum('NONE','PROJECTION','MISC','DEPENDENT','DIRECT','SEQUENCE_MATCH','INFERRED_PAIR','PROBE','UNMAPPED','COORDINATE_OVERLAP','CHECKSUM') NOT NULL DEFAULT 'NONE',\n  `info_text` varchar(255) NOT NULL DEFAULT '',\n" +
	"  PRIMARY KEY (`xref_id`),\n  UNIQUE KEY `id_index` (`dbprimary_acc`,`external_db_id`,`info_type`,`info_text`,`version`),\n  KEY `display_index` (`display_label`),\n  KEY `info_type_idx` (`info_type`)\n) ENGINE=MyISAM;\n" +
	"CREATE TABLE `object_xref` (\n  `object_xref_id` int unsigned NOT NULL AUTO_INCREMENT,\n  `ensembl_id` int unsigned NOT NULL,\n  `ensembl_object_type` enum('RawContig','Transcript','Gene','Translation','Operon','OperonTranscript','Marker','RNAProduct') NOT NULL,\n" +
	"  `xref_id` int unsigned NOT NULL,\n  `linkage_annotation` varchar(255) DEFAULT NULL,\n  `analysis_id` smallint unsigned DEFAULT NULL,\n" +
	"  PRIMARY KEY (`object_xref_id`),\n  UNIQUE KEY `xref_idx` (`xref_id`,`ensembl_object_type`,`ensembl_id`,`analysis_id`),\n  KEY `analysis_idx` (`analysis_id`),\n  KEY `ensembl_idx` (`ensembl_object_type`,`ensembl_id`)\n) ENGINE=MyISAM;\n"

// Database is what Generate's dump is of.
const Database = "homo_sapiens_core_115_38"

// Generate writes a dump of about size bytes of text, as Ensembl publishes it,
// into a folder below dir: dna with rows of up to two million bases, wide and
// narrow tables. Without compress, its files are not compressed.
func Generate(dir string, size int64, compress bool) error {
	dir = filepath.Join(dir, Database)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	g := &generator{dir: dir, compress: compress, random: rand.New(rand.NewPCG(115, uint64(size)))}
	g.file(Database+".sql", func(w io.Writer) { io.WriteString(w, schema) })
	g.file("meta.txt", func(w io.Writer) {
		io.WriteString(w, "1\t\\N\tschema_version\t115\n2\t1\tspecies.production_name\thomo_sapiens\n")
	})
	g.rows("dna.txt", size*45/100, g.dna)
	g.rows("repeat_feature.txt", size*30/100, g.repeat)
	g.rows("xref.txt", size*15/100, g.xref)
	g.rows("object_xref.txt", size*10/100, g.objectXref)
	sums := g.sums
	g.compress = false
	g.file("CHECKSUMS", func(w io.Writer) { w.Write(sums) })
	return g.err
}

type generator struct {
	dir      string
	compress bool
	random   *rand.Rand
	sums     []byte
	err      error
}

// file writes a file of the dump and its sum.
func (g *generator) file(name string, write func(io.Writer)) {
	if g.err != nil {
		return
	}
	if g.compress {
		name += ".gz"
	}
	f, err := os.Create(filepath.Join(g.dir, name))
	if err != nil {
		g.err = err
		return
	}
	var sum site.Summer
	out := io.MultiWriter(f, &sum)
	if g.compress {
		z, _ := gzip.NewWriterLevel(out, gzip.BestSpeed)
		w := bufio.NewWriterSize(z, 1<<20)
		write(w)
		g.err = errors.Join(w.Flush(), z.Close(), f.Close())
	} else {
		w := bufio.NewWriterSize(out, 1<<20)
		write(w)
		g.err = errors.Join(w.Flush(), f.Close())
	}
	g.sums = fmt.Appendf(g.sums, "%s %s\n", sum.Sum(), name)
}

// rows writes rows until the file has size bytes.
func (g *generator) rows(name string, size int64, row func(to []byte, id int) []byte) {
	g.file(name, func(w io.Writer) {
		var b []byte
		var err error
		for id := 1; size > 0 && err == nil; id++ {
			b = append(row(b[:0], id), '\n')
			_, err = w.Write(b)
			size -= int64(len(b))
		}
	})
}

func (g *generator) dna(to []byte, id int) []byte {
	to = append(strconv.AppendInt(to, int64(id), 10), '\t')
	length := 20_000 + g.random.IntN(180_000)
	if id%20 == 3 {
		length = 2_000_000
	}
	for range length / 16 {
		for bits, k := g.random.Uint32(), 0; k < 16; k++ {
			to = append(to, "ACGT"[bits&3])
			bits >>= 2
		}
	}
	return to
}

func (g *generator) repeat(to []byte, id int) []byte {
	start := id%5_000_000*48 + g.random.IntN(40) + 1
	length := 10 + g.random.IntN(300)
	return fmt.Appendf(to, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d", id, 131_540+id/5_000_000, start, start+length, 1-2*g.random.IntN(2),
		1+g.random.IntN(50), 1+length, 1+g.random.IntN(1_500_000), 1+g.random.IntN(12), g.random.IntN(30_000))
}

func (g *generator) xref(to []byte, id int) []byte {
	return fmt.Appendf(to, "%d\t%d\tNM_%09d.%d\tGENE%d-%d\t%d\tmade-up protein %d of the family %d [Source:HGNC Symbol;Acc:HGNC:%d]\t%s\t", id, 1000+g.random.IntN(900),
		id*387_420_489%1_000_000_000, id%9+1, g.random.IntN(60_000), id, id%9+1, id, g.random.IntN(4000), g.random.IntN(50_000), [...]string{"DIRECT", "DEPENDENT", "MISC"}[id%3])
}

func (g *generator) objectXref(to []byte, id int) []byte {
	return fmt.Appendf(to, "%d\t%d\t%s\t%d\t\\N\t%d", id, 1+g.random.IntN(300_000), [...]string{"Transcript", "Gene", "Translation"}[g.random.IntN(3)], id, 1+g.random.IntN(100))
}
