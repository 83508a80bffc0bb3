package dbserver

import (
	"strings"
	"testing"
)

func TestDSN(t *testing.T) {
	for _, x := range []struct{ dsn, password, user, passwd, net, addr, bad string }{
		{dsn: "anonymous@tcp(db.example.org:3306)/", user: "anonymous", net: "tcp", addr: "db.example.org:3306"},
		{dsn: "anonymous@tcp(db.example.org)/?timeout=1s", password: "secret", user: "anonymous", passwd: "secret", net: "tcp", addr: "db.example.org:3306"},
		{dsn: "ro@unix(/run/mysqld/mysqld.sock)/", user: "ro", net: "unix", addr: "/run/mysqld/mysqld.sock"},
		{dsn: "mysql://anonymous@db.example.org", user: "anonymous", net: "tcp", addr: "db.example.org:3306"},
		{dsn: "mysql://a:p%40ss@[2001:db8::1]:3337/?timeout=2s&tls=false", user: "a", passwd: "p@ss", net: "tcp", addr: "[2001:db8::1]:3337"},
		{dsn: "mysql://a:secret@host/?parseTime=true&multiStatements=true", user: "a", passwd: "secret", net: "tcp", addr: "host:3306"},
		{dsn: "a@tcp(host:3306)/homo_sapiens_core_115_38", bad: "names the database homo_sapiens_core_115_38"},
		{dsn: "mysql://a@host/db", bad: "names the database db"},
		{dsn: "mysql:///", bad: "names no host"},
		{dsn: "mysql://a:sec ret@host:port/", bad: "no URL"},
		{dsn: "host:3306", bad: "write user@tcp(host:3306)/"},
		{dsn: "a@tcp(host:3306)/?wibble=1&timeout=x", bad: "invalid duration"},
	} {
		m, err := Config{DSN: x.dsn, Password: x.password}.driverConfig()
		if x.bad != "" {
			if err == nil || !strings.Contains(err.Error(), x.bad) || strings.Contains(err.Error(), "sec") {
				t.Errorf("%s: error %v, want %s", x.dsn, err, x.bad)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", x.dsn, err)
			continue
		}
		if m.User != x.user || m.Passwd != x.passwd || m.Net != x.net || m.Addr != x.addr {
			t.Errorf("%s: %s %s %s %s", x.dsn, m.User, m.Passwd, m.Net, m.Addr)
		}
		if !m.InterpolateParams || m.ParseTime || m.MultiStatements || m.AllowAllFiles || m.Timeout == 0 || m.ReadTimeout == 0 {
			t.Errorf("%s: %+v", x.dsn, m)
		}
		if HasPassword(x.dsn) != (x.passwd != "" && x.password == "") || Address(x.dsn) != x.addr {
			t.Errorf("%s: password %v, address %s", x.dsn, HasPassword(x.dsn), Address(x.dsn))
		}
	}
}
