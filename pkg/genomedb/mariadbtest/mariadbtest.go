// Package mariadbtest runs MariaDB servers for tests: Debian's mariadbd as a
// child process on a unix socket, in a folder of its own.
package mariadbtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"mirrornet/pkg/genomedb/load/dump"
)

// Server is a running MariaDB server. It has no accounts: every user may do
// everything, and a password is not asked for.
type Server struct {
	dir    string
	socket string
	path   string // of mariadbd
	cmd    *exec.Cmd
	said   bytes.Buffer
}

// Missing says why no server can be started here; "" where one can.
func Missing() string {
	if os.Getenv("MIRRORNET_MARIADB") == "off" {
		return "MIRRORNET_MARIADB is off"
	}
	if _, err := program(); err != nil {
		return "no mariadbd program here (Debian, Ubuntu: apt-get install mariadb-server-core)"
	}
	return ""
}

func program() (string, error) {
	if path, err := exec.LookPath("mariadbd"); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/mariadbd") // not in every user's PATH
}

// Start starts a server that ends with the test, or skips the test where the
// program is missing.
func Start(t testing.TB) *Server {
	t.Helper()
	if why := Missing(); why != "" {
		t.Skip(why)
	}
	s, err := Launch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Launch starts a server. The caller stops it.
func Launch() (*Server, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	// Not t.TempDir: a socket's path is short, at most 107 bytes.
	dir, err := os.MkdirTemp("", "mdb")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, socket: filepath.Join(dir, "s"), path: path}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.Start(); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Start starts the server again after Kill, with the same data.
func (s *Server) Start() error {
	args := []string{"--no-defaults", "--datadir=" + filepath.Join(s.dir, "data"), "--tmpdir=" + s.dir, "--socket=" + s.socket,
		"--pid-file=" + filepath.Join(s.dir, "pid"), "--skip-networking", "--skip-grant-tables", "--skip-log-bin", "--local-infile=1",
		"--sync-frm=0", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-buffer-pool-size=16M",
		"--innodb-log-file-size=4M", "--innodb-data-file-path=ibdata1:4M:autoextend", "--innodb-temp-data-file-path=ibtmp1:4M:autoextend"}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	s.cmd = exec.Command(s.path, args...)
	s.cmd.Stdout, s.cmd.Stderr = &s.said, &s.said
	dieWithParent(s.cmd)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	db, err := s.open("")
	if err != nil {
		return err
	}
	defer db.Close()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); <-tick.C {
		if err = db.Ping(); err == nil {
			return nil
		}
	}
	s.Kill() // so that what it said is whole
	return fmt.Errorf("mariadbd does not answer: %w\n%s", err, s.said.String())
}

// Kill ends the process at once, and leaves its data. It may be called twice.
func (s *Server) Kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.cmd = nil
	}
}

// Stop ends the process and removes its data.
func (s *Server) Stop() {
	s.Kill()
	os.RemoveAll(s.dir)
}

// Pid is the process, for those who measure it.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// DSN is how to reach the server.
func (s *Server) DSN() string { return "anyone@unix(" + s.socket + ")/" }

func (s *Server) open(database string) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = "anyone", "unix", s.socket, database
	c.MultiStatements, c.AllowAllFiles, c.Logger = true, true, &mysql.NopLogger{}
	c.Params = map[string]string{"sql_mode": "''", "character_set_database": "utf8mb4"} // the charset of files
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1) // a session's settings hold for all
	return db, nil
}

// Exec runs statements, separated by semicolons, in a database; "": in none.
func (s *Server) Exec(ctx context.Context, database, statements string) error {
	db, err := s.open(database)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statements)
	return err
}

// Load makes a database of the dump in a folder: table.sql as it is, and
// TABLE.txt by LOAD DATA LOCAL, which leaves out rows that repeat a unique key.
// Files of no table are ignored.
func (s *Server) Load(ctx context.Context, database, dir string) error {
	if err := s.Exec(ctx, "", "CREATE DATABASE `"+database+"`"); err != nil {
		return err
	}
	schema, err := os.ReadFile(filepath.Join(dir, "table.sql"))
	if err != nil {
		return err
	}
	tables, err := dump.ParseSchema("table.sql", bytes.NewReader(schema))
	if err != nil {
		return err
	}
	db, err := s.open(database)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, string(schema)); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	for _, t := range tables.Tables {
		file := filepath.Join(dir, t.Name+".txt")
		if st, err := os.Stat(file); err != nil || st.Size() == 0 {
			continue
		}
		if _, err := db.ExecContext(ctx, "LOAD DATA LOCAL INFILE '"+file+"' INTO TABLE `"+t.Name+"`"); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// LoadAll makes a database of every dump below a folder that is laid out as
// SPECIES/KIND, named SPECIES_KIND.
func (s *Server) LoadAll(ctx context.Context, root string) error {
	found, err := filepath.Glob(filepath.Join(root, "*", "*", "table.sql"))
	if err != nil {
		return err
	}
	slices.Sort(found)
	for _, f := range found {
		dir := filepath.Dir(f)
		name := strings.ToLower(filepath.Base(filepath.Dir(dir)) + "_" + filepath.Base(dir))
		if err := s.Load(ctx, name, dir); err != nil {
			return err
		}
	}
	return nil
}
