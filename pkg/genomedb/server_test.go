package genomedb_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/mariadbtest"
)

// coreOf is a small core database; Ensembl has tables with capitals in others.
func coreOf(name, production, assembly string, release int) string {
	return strings.NewReplacer("DB", name, "PRODUCTION", production, "ASSEMBLY", assembly, "RELEASE", fmt.Sprint(release)).Replace(`
CREATE DATABASE DB;
CREATE TABLE DB.meta (meta_id INT PRIMARY KEY, species_id INT, meta_key VARCHAR(40), meta_value VARCHAR(255)) ENGINE=MyISAM CHARSET=latin1;
INSERT INTO DB.meta VALUES (1, NULL, 'schema_version', 'RELEASE'), (2, 1, 'species.production_name', 'PRODUCTION'),
	(3, 1, 'species.alias', 'alias of PRODUCTION'), (4, 1, 'species.display_name', 'Café');
CREATE TABLE DB.coord_system (coord_system_id INT PRIMARY KEY, name VARCHAR(40), version VARCHAR(40), rank INT, attrib SET('default_version','sequence_level')) ENGINE=MyISAM CHARSET=latin1;
INSERT INTO DB.coord_system VALUES (1, 'contig', NULL, 2, 'default_version,sequence_level'), (2, 'chromosome', 'ASSEMBLY', 1, 'default_version');
CREATE TABLE DB.MTMP_gene (gene_id INT PRIMARY KEY, stable_id VARCHAR(128), created DATETIME, biotype ENUM('coding','other')) ENGINE=MyISAM CHARSET=latin1;
INSERT INTO DB.MTMP_gene VALUES (1, 'ENSG1', '2026-11-25 10:00:00', 'coding'), (2, 'ENSG2', NULL, 'other');
`)
}

func TestServer(t *testing.T) {
	s := mariadbtest.Start(t)
	statements := coreOf("homo_sapiens_core_114_38", "homo_sapiens", "GRCh38", 114) +
		coreOf("homo_sapiens_core_115_37", "homo_sapiens", "GRCh37", 115) +
		coreOf("homo_sapiens_core_115_38", "homo_sapiens", "GRCh38", 115) +
		coreOf("canis_familiaris_core_115_1", "canis_lupus_familiaris", "ROS_Cfam_1.0", 115) +
		coreOf("bacteria_0_collection_core_62_115_1", "escherichia_a", "1", 115) +
		`INSERT INTO bacteria_0_collection_core_62_115_1.meta VALUES (9, 2, 'species.production_name', 'escherichia_b');
		CREATE DATABASE canis_familiaris_variation_115_1; CREATE DATABASE ensembl_website_115;
		CREATE DATABASE ensembl_compara_115; CREATE TABLE ensembl_compara_115.genome_db (name VARCHAR(40), assembly VARCHAR(40));
		INSERT INTO ensembl_compara_115.genome_db VALUES ('homo_sapiens', 'GRCh37')`
	if err := s.Exec(t.Context(), "", statements); err != nil {
		t.Fatal(err)
	}
	r, err := genomedb.Open(t.Context(), genomedb.Config{DSN: s.DSN()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var names []string
	for _, sp := range r.Species() {
		names = append(names, fmt.Sprintf("%s %s %d %s %v", sp.Name, sp.Assembly, sp.Release, sp.DisplayName, sp.Groups))
	}
	if got, want := strings.Join(names, "; "), "canis_lupus_familiaris ROS_Cfam_1.0 115 Café [core variation]; homo_sapiens GRCh38 115 Café [core]"; got != want || r.Release() != 115 {
		t.Errorf("release %d: %s, want %s", r.Release(), got, want)
	}
	for _, alias := range []string{"homo_sapiens", "Alias of homo_sapiens", "homo_sapiens GRCh37"} {
		if sp, ok := r.Resolve(alias); !ok || sp.Name != "homo_sapiens" {
			t.Errorf("%s is %v", alias, sp)
		}
	}
	d := core(t, r, "homo_sapiens")
	if d.Name != "homo_sapiens_core_115_38" || !d.HasTable("mtmp_gene") || !d.HasColumn("MTMP_GENE", "Stable_ID") || d.HasTable("wibble") || d.HasColumn("mtmp_gene", "wibble") {
		t.Errorf("%s and its tables", d.Name)
	}
	var id, biotype any
	var created sql.NullString
	if err := d.QueryRow(t.Context(), "SELECT stable_id, created, biotype FROM {mtmp_GENE} WHERE stable_id = ?", "ensg1").Scan(&id, &created, &biotype); err != nil ||
		id != "ENSG1" || created.String != "2026-11-25 10:00:00" || biotype != "coding" {
		t.Errorf("%v %v %v, %v", id, created, biotype, err)
	}
	if _, err := d.Query(t.Context(), "SELECT 1 FROM {wibble}"); !errors.Is(err, genomedb.ErrNoTable) {
		t.Errorf("no such table: %v", err)
	}
	if v, _ := r.Resolve("canis_lupus_familiaris"); v != nil {
		if db, _ := v.Database("variation"); !db.HasTable("anything") { // it has no tables that we could see
			t.Error("a database that cannot be read is said to be empty")
		}
	}

	old, err := genomedb.Open(t.Context(), genomedb.Config{DSN: s.DSN(), Release: 114})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if old.Release() != 114 || len(old.Species()) != 1 {
		t.Errorf("release %d of %d species", old.Release(), len(old.Species()))
	}

	// Lost and found.
	unread := core(t, old, "homo_sapiens") // nobody asked for its tables yet
	s.Kill()
	if _, err := d.Query(t.Context(), "SELECT 1 FROM {meta}"); !errors.Is(err, genomedb.ErrUnavailable) {
		t.Errorf("without a server: %v", err)
	}
	if !unread.HasTable("wibble") {
		t.Error("without a server a table is said not to be there")
	}
	if _, err := unread.Query(t.Context(), "SELECT 1 FROM {wibble}"); !errors.Is(err, genomedb.ErrUnavailable) {
		t.Errorf("without a server: %v", err)
	}
	if err := r.Ping(t.Context()); !errors.Is(err, genomedb.ErrUnavailable) {
		t.Errorf("ping without a server: %v", err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if err := r.Ping(t.Context()); err != nil {
		t.Errorf("the server is back: %v", err)
	}
	if unread.HasTable("wibble") || !unread.HasTable("meta") {
		t.Error("the server is back, and its tables are not known")
	}
	for _, c := range []genomedb.Config{{DSN: s.DSN(), Release: 99}, {DSN: s.DSN(), SQLite: "x"}, {DSN: "wibble"}, {DSN: "a@unix(/nowhere)/"}, {DSN: "a@tcp(127.0.0.1:1)/"}} {
		if r, err := genomedb.Open(t.Context(), c); err == nil {
			r.Close()
			t.Errorf("%+v: no error", c)
		}
	}
}
