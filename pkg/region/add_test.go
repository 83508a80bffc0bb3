package region

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestAdd(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../regions")); err != nil {
		t.Fatal(err)
	}
	names := func() string {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, e := range entries {
			list = append(list, e.Name())
		}
		return strings.Join(list, " ")
	}
	before := names()
	for text, want := range map[string]string{
		africa + "serve: 1":                          `africa.yaml:3:1: unknown key "serve"`,
		strings.Replace(africa, "africa", "asia", 1): "hostname asia.ensembl.org is already that of region",
		africa + "parent: atlantis":                  `parent "atlantis" is not a region`,
	} {
		if _, err := Add(dir, "africa", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := Add(dir, "network", []byte(africa)); err == nil || !strings.Contains(err.Error(), "cannot name a region") {
		t.Error(err)
	}
	if _, err := Add(dir, "asia", []byte(africa)); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if got := names(); got != before {
		t.Errorf("%s, was %s", got, before)
	}
	// Of many at once one wins, whole.
	var won sync.Map
	var wg sync.WaitGroup
	for i := range 20 {
		text := africa + "title: " + strings.Repeat(string(rune('a'+i)), 100) + "\n"
		wg.Go(func() {
			if m, err := Add(dir, "africa", []byte(text)); err == nil {
				won.Store(text, m)
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	count := 0
	won.Range(func(text, m any) bool {
		count++
		got, err := os.ReadFile(filepath.Join(dir, "africa.yaml"))
		loaded, lerr := Load(dir)
		if err != nil || lerr != nil || string(got) != text.(string) || loaded.Revision() != m.(*Map).Revision() {
			t.Errorf("%v %v %q", err, lerr, got)
		}
		return true
	})
	if got := names(); count != 1 || got != "africa.yaml "+before {
		t.Errorf("%d won; %s", count, got)
	}
}
