package dbserver

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Config says which server, and how to use it.
type Config struct {
	// DSN is user@tcp(host:3306)/ or user@unix(/path/of/socket)/ as the driver
	// github.com/go-sql-driver/mysql reads it, or mysql://user@host:3306/. It
	// names no database. Required.
	DSN string
	// Password of the user; empty: that of DSN, or none.
	Password string
	// Connections bounds the real connections; at least 2. 0: 16.
	Connections int
	// Ahead is how much of an answer is read before the caller gets its first
	// row, in bytes. 0: 1 MiB.
	Ahead int
}

// driverConfig reads the DSN, and sets what this package relies on.
func (c Config) driverConfig() (*mysql.Config, error) {
	dsn, err := fromURL(c.DSN)
	if err != nil {
		return nil, err
	}
	m, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("%w; write user@tcp(host:3306)/ or mysql://user@host:3306/", err)
	}
	if m.DBName != "" {
		return nil, fmt.Errorf("the DSN names the database %s; leave it away: all of the server's are looked through", m.DBName)
	}
	if c.Password != "" {
		m.Passwd = c.Password
	}
	if m.Timeout == 0 {
		m.Timeout = 5 * time.Second
	}
	if m.ReadTimeout == 0 {
		m.ReadTimeout = 60 * time.Second
	}
	if m.WriteTimeout == 0 {
		m.WriteTimeout = 10 * time.Second
	}
	m.InterpolateParams, m.CheckConnLiveness = true, true
	m.ParseTime, m.MultiStatements, m.AllowAllFiles = false, false, false
	m.Collation = "utf8mb4_general_ci" // MySQL and MariaDB both have it
	m.Logger = &mysql.NopLogger{}      // errors are returned, too
	return m, nil
}

// fromURL writes mysql://user@host:3306/?tls=true as the driver wants it.
func fromURL(dsn string) (string, error) {
	if !strings.HasPrefix(dsn, "mysql://") && !strings.HasPrefix(dsn, "mariadb://") {
		return dsn, nil
	}
	u, err := url.Parse(dsn)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) { // which repeats the URL, and a password with it
			err = inner.Err
		}
		return "", fmt.Errorf("the DSN is no URL: %w", err)
	}
	if u.Hostname() == "" {
		return "", errors.New("the DSN names no host; write mysql://user@host:3306/")
	}
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	m := mysql.NewConfig()
	m.User = u.User.Username()
	m.Passwd, _ = u.User.Password()
	m.Net, m.Addr, m.DBName = "tcp", net.JoinHostPort(u.Hostname(), port), strings.Trim(u.Path, "/")
	text := m.FormatDSN()
	if u.RawQuery != "" {
		sep := "?"
		if strings.Contains(text[strings.LastIndexByte(text, '/'):], "?") {
			sep = "&"
		}
		text += sep + u.RawQuery
	}
	return text, nil
}

// HasPassword says whether a DSN holds a password.
func HasPassword(dsn string) bool {
	text, err := fromURL(dsn)
	if err != nil {
		return false
	}
	m, err := mysql.ParseDSN(text)
	return err == nil && m.Passwd != ""
}

// Address is the DSN's server, for messages: no user, no password.
func Address(dsn string) string {
	if text, err := fromURL(dsn); err == nil {
		if m, err := mysql.ParseDSN(text); err == nil {
			return m.Addr
		}
	}
	return "the database server"
}
