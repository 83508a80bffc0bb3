package region

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile bounds one file: a region is a page of text.
const maxFile = 1 << 20

// Load reads and checks all *.yaml files of a folder; hidden files and other
// names are not looked at. The error is Problems, with all problems of all files.
func Load(dir string) (*Map, error) {
	return parse(dir, read(dir))
}

// A file is one file of the folder, read or not.
type file struct {
	path string
	data []byte
	err  error
}

// read reads the folder; an error of the folder itself stands as one file's.
func read(dir string) []file {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return []file{{path: dir, err: err}}
	}
	var files []file
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".yaml") && !strings.HasPrefix(name, ".") {
			f := file{path: filepath.Join(dir, name)}
			f.data, f.err = readFile(f.path)
			files = append(files, f)
		}
	}
	return files
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// A FIFO or a device would hold the reader for ever.
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("longer than %d bytes", maxFile)
	}
	return data, err
}

// parse checks the files as one set.
func parse(dir string, files []file) (*Map, error) {
	var problems Problems
	var set set
	network := filepath.Join(dir, "network.yaml")
	for _, f := range files {
		name := Name(strings.TrimSuffix(filepath.Base(f.path), ".yaml"))
		var more Problems
		switch {
		case f.err != nil:
			more = Problems{{File: f.path, Line: 1, Col: 1, What: "cannot be read: " + reason(f.err), Advice: "mend or remove it"}}
			// What is there but unreadable is not also missing.
			if f.path == network {
				set.network = parsed[Network]{file: f.path}
			} else {
				set.regions = append(set.regions, parsed[Region]{value: Region{Name: name}, file: f.path})
			}
		case f.path == network:
			set.network, more = parseNetwork(f.path, f.data)
		default:
			var p parsed[Region]
			p, more = parseRegion(name, f.path, f.data)
			set.regions = append(set.regions, p)
		}
		problems = append(problems, more...)
	}
	if set.network.file == "" && !(len(files) == 1 && files[0].path == dir) {
		problems = append(problems, Problem{File: network, Line: 1, Col: 1, What: "the file is missing",
			Advice: "write canonical: [https://rest.example.org] and home: (a region's name)"})
	}
	return set.build(problems)
}

// reason is an error without the path, which the message has already.
func reason(err error) string {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// A set is everything that one Map is made of, with the places of its parts.
type set struct {
	regions []parsed[Region]
	network parsed[Network]
}

// build checks what concerns more than one file and makes the Map if there are
// no problems.
func (s *set) build(problems Problems) (*Map, error) {
	slices.SortStableFunc(s.regions, func(a, b parsed[Region]) int { return strings.Compare(string(a.value.Name), string(b.value.Name)) })
	m := &Map{byHost: map[string]host{}, network: s.network.value}
	problems = append(problems, s.hosts(m.byHost)...)
	problems = append(problems, s.parents()...)
	if n := s.network; n.whole && n.value.Home != "" && s.find(n.value.Home) < 0 {
		problems = append(problems, n.problem("home", fmt.Sprintf("home %q is not a region", n.value.Home), s.someRegion(n.value.Home)))
	}
	if len(problems) > 0 {
		return nil, problems.err()
	}
	text := s.network.value.Text()
	for _, p := range s.regions {
		m.regions = append(m.regions, p.value)
		text += "--- " + string(p.value.Name) + "\n" + p.value.Text()
	}
	m.revision = digest(text)
	return m, nil
}

// hosts fills byHost and reports hostnames that are given twice.
func (s *set) hosts(byHost map[string]host) (problems Problems) {
	owner := map[string]string{}
	take := func(url string, h host, whose string) string {
		name := hostname(url)
		if first, taken := owner[name]; taken {
			return fmt.Sprintf("hostname %s is already that of %s", name, first)
		}
		owner[name], byHost[name] = whose, h
		return ""
	}
	const advice = "give each its own hostname (ports do not tell them apart)"
	for i, url := range s.network.value.Canonical {
		key := fmt.Sprintf("canonical[%d]", i)
		if what := take(url, host{kind: Canonical}, "the canonical URL "+url); what != "" {
			problems = append(problems, s.network.problem(key, what, advice))
		}
	}
	for i, p := range s.regions {
		if i > 0 && s.regions[i-1].value.Name == p.value.Name {
			problems = append(problems, p.problem("", fmt.Sprintf("region %s is given twice", p.value.Name), "keep one"))
			continue
		}
		if p.value.URL == "" {
			continue // reported by the parser
		}
		if what := take(p.value.URL, host{Regional, p.value.Name}, "region "+string(p.value.Name)); what != "" {
			problems = append(problems, p.problem("url", what, advice))
		}
	}
	return problems
}

// parents reports parents that do not exist and each cycle once.
func (s *set) parents() (problems Problems) {
	inCycle := map[Name]bool{}
	for _, p := range s.regions {
		parent := p.value.Parent
		if parent == "" {
			continue
		}
		if s.find(parent) < 0 {
			problems = append(problems, p.problem("parent", fmt.Sprintf("parent %q is not a region", parent), s.someRegion(parent)))
			continue
		}
		path := []string{string(p.value.Name)}
		for at := parent; at != "" && !inCycle[at] && len(path) <= len(s.regions); {
			path = append(path, string(at))
			if at == p.value.Name {
				for _, n := range path {
					inCycle[Name(n)] = true
				}
				problems = append(problems, p.problem("parent", "parents go round: "+strings.Join(path, " → "), "remove parent from one of them"))
				break
			}
			i := s.find(at)
			if i < 0 {
				break
			}
			at = s.regions[i].value.Parent
		}
	}
	return problems
}

func (s *set) find(name Name) int {
	return slices.IndexFunc(s.regions, func(p parsed[Region]) bool { return p.value.Name == name })
}

// someRegion advises what to write instead of a name that no region has.
func (s *set) someRegion(wrong Name) string {
	var names []string
	for _, p := range s.regions {
		names = append(names, string(p.value.Name))
	}
	switch near := nearest(string(wrong), names); {
	case near != "":
		return "write " + near
	case len(names) == 0:
		return "write a region's file first, such as europe.yaml"
	case len(names) > 8:
		names = append(names[:8], "…")
	}
	return "write one of " + strings.Join(names, ", ")
}

func (p parsed[T]) problem(key, what, advice string) Problem {
	at := p.at[key]
	return Problem{File: p.file, Line: max(at.line, 1), Col: max(at.col, 1), What: what, Advice: advice}
}
