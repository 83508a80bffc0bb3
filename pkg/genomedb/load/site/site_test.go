package site

import (
	"bytes"
	"fmt"
	"net/url"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var base = &url.URL{Scheme: "https", Host: "ftp.example.org", Path: "/pub/release-115/mysql/"}

// Listings as servers write them.
const (
	apache = `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">
<html><head><title>Index of /pub/release-115/mysql</title></head><body><h1>Index of /pub/release-115/mysql</h1>
<table><tr><th valign="top"><img src="/icons/blank.gif" alt="[ICO]"></th><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th></tr>
<tr><td valign="top"><img src="/icons/back.gif" alt="[PARENTDIR]"></td><td><a href="/pub/release-115/">Parent Directory</a></td></tr>
<tr><td><a href="homo_sapiens_core_115_38/">homo_sapiens_core_115_38/</a></td><td align="right">2025-06-01 10:00  </td></tr>
<tr><td><a href="README.txt">README.txt</a></td></tr>
<tr><td><A class=x HREF='gene.txt.gz'>gene.txt.gz</A></td></tr></table></body></html>`
	nginx = `<html><head><title>Index of /pub/release-115/mysql/</title></head>
<body><h1>Index of /pub/release-115/mysql/</h1><hr><pre><a href="../">../</a>
<a href="homo_sapiens_core_115_38/">homo_sapiens_core_115_38/</a>                           01-Jun-2025 10:00                   -
<a href="README.txt">README.txt</a>   01-Jun-2025 10:00    12
<a href="gene.txt.gz">gene.txt.gz</a>  01-Jun-2025 10:00  1234
</pre><hr></body></html>`
	absolute = `<a href="/pub/release-115/mysql/homo_sapiens_core_115_38/">x</a> <a href=https://ftp.example.org/pub/release-115/mysql/README.txt>y</a>
<a href="//ftp.example.org/pub/release-115/mysql/gene.txt.gz">z</a> <a href="http://ftp.example.org/pub/release-115/mysql/other.gz">z</a>`
)

func TestParseListing(t *testing.T) {
	want := Listing{Folders: []string{"homo_sapiens_core_115_38"}, Files: []string{"README.txt", "gene.txt.gz"}}
	for name, page := range map[string]string{"apache": apache, "nginx": nginx, "absolute": absolute} {
		got, err := ParseListing(base, []byte(page))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v\nwant %+v", name, got, err, want)
		}
	}
	// What a hostile or careless server may write.
	got, err := ParseListing(base, []byte(`<a href="ok.gz"><a href="ok.gz"><a href="a%2fb"><a href="..%2fx"><a href="%2e%2e/"><a href="a/b"><a href="x?y=1"><a href="x#y"><a href="javascript:alert(1)">
<a href="https://evil.example/pub/release-115/mysql/evil.gz"><a href=".hidden"><a href="a%00b"><a href="a%20b"><a href="%zz"><a href="&#111;k2.gz"><a href=""><a href="/"><a name="x">`))
	if err != nil || !slices.Equal(got.Files, []string{"ok.gz", "ok2.gz"}) || len(got.Folders) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := ParseListing(base, []byte("<h1>Sign in</h1>")); err == nil || !strings.Contains(err.Error(), "no listing of a folder") {
		t.Errorf("a page without links: %v", err)
	}
	var many strings.Builder
	for i := range maxNames + 1 {
		fmt.Fprintf(&many, "<a href=x%d>", i)
	}
	if _, err := ParseListing(base, []byte(many.String())); err == nil {
		t.Error("a listing of too many names")
	}
}

func FuzzParseListing(f *testing.F) {
	for _, s := range []string{apache, nginx, absolute, "<a href=", `<a href="%2e%2e%2f">`, "<a\nhref='x'>", `<a href="&#46;&#46;/x">`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, page string) {
		l, err := ParseListing(base, []byte(page))
		if err != nil {
			return
		}
		for _, n := range slices.Concat(l.Folders, l.Files) {
			// Each is one step down and no file elsewhere.
			if n == "" || n[0] == '.' || strings.ContainsAny(n, "/\\\x00 ") || base.JoinPath(n).Path != base.Path+n {
				t.Fatalf("name %q", n)
			}
		}
	})
}

func TestParseChecksums(t *testing.T) {
	got, err := ParseChecksums([]byte("27542   160 gene.txt.gz\n\n00007 1 ./a.sql.gz\r\n27542 160 gene.txt.gz\n"))
	want := map[string]Sum{"gene.txt.gz": {27542, 160}, "a.sql.gz": {7, 1}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for text, want := range map[string]string{
		"1 2 a\n1 2":       "line 2: 2 words",
		"x 2 a":            `line 1: "x" is no checksum`,
		"70000 2 a":        `line 1: "70000" is no checksum`,
		"1 -2 a":           `line 1: "-2" is no number of blocks`,
		"1 2 a\n\n1 3 a\n": "line 3: a has two different sums",
		"1 2 a/b":          `line 1: "a/b" is no name`,
		"<html> 1 2":       `line 1: "<html>" is no checksum`,
	} {
		if _, err := ParseChecksums([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

func FuzzParseChecksums(f *testing.F) {
	f.Add("27542   160 gene.txt.gz\n00007 1 ./a.sql.gz\r\n")
	f.Add("99999 1 a\n\x00 1 2")
	f.Fuzz(func(t *testing.T, text string) {
		sums, err := ParseChecksums([]byte(text))
		if err != nil {
			return
		}
		var again strings.Builder
		for name, s := range sums {
			fmt.Fprintf(&again, "%s %s\n", s, name)
		}
		if got, err := ParseChecksums([]byte(again.String())); err != nil || len(got) > len(sums) {
			t.Fatalf("%v, written and read %v, %v", sums, got, err)
		}
	})
}

// TestSummer compares with the command that makes Ensembl's files.
func TestSummer(t *testing.T) {
	sum, err := exec.LookPath("sum")
	if err != nil {
		t.Skip("no command sum here (coreutils)")
	}
	for _, n := range []int{0, 1, 1023, 1024, 1025, 300_000} {
		data := bytes.Repeat([]byte("ACGT\xff\x00n"), n/7+1)[:n]
		var s Summer
		s.Write(data[:n/3])
		s.Write(data[n/3:])
		c := exec.Command(sum)
		c.Stdin = bytes.NewReader(data)
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Fields(string(out)); strings.Join(got, " ") != s.Sum().String() {
			t.Errorf("%d bytes: sum says %s, Summer %s", n, got, s.Sum())
		}
	}
}
