package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

var urlLine = regexp.MustCompile(`(?m)^url:.*$`)

const networkFile = `# The network of make run. It is written anew at each start; region files that you add stay.
canonical: [http://rest.localhost:%d]
home: europe
routing: {navigation: redirect, api: serve}
`

// writeRegions copies the region files, with addresses on loopback. Files that
// somebody added to the copy stay.
func (d *demo) writeRegions() error {
	dir := filepath.Join(d.dir, "regions")
	for _, sub := range []string{dir, filepath.Join(d.dir, "log")} {
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return err
		}
	}
	for _, p := range d.three() {
		text, err := os.ReadFile(filepath.Join(d.regions, p.region+".yaml"))
		if err != nil {
			return err
		}
		if err := replace(filepath.Join(dir, p.region+".yaml"), urlLine.ReplaceAll(text, []byte("url: "+p.url()))); err != nil {
			return err
		}
	}
	return replace(filepath.Join(dir, "network.yaml"), fmt.Appendf(nil, networkFile, d.three()[0].port))
}

// replace writes a file as a whole: who watches it never sees half of it.
func replace(file string, text []byte) error {
	part := filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".new")
	if err := os.WriteFile(part, text, 0o644); err != nil {
		return err
	}
	return os.Rename(part, file)
}

// placeOf finds where the edge of a region listens: on the port of the
// region's URL.
func (d *demo) placeOf(name string) (place, error) {
	for _, p := range d.three() {
		if p.region == name {
			return p, nil
		}
	}
	dir := filepath.Join(d.dir, "regions")
	m, err := region.Load(dir)
	if err != nil {
		return place{}, err
	}
	r, ok := m.Region(region.Name(name))
	if !ok {
		return place{}, fmt.Errorf("no file describes %s; write %s", name, filepath.Join(dir, name+".yaml"))
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		return place{}, err
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil || port < 1024 || port > 64000 {
		return place{}, fmt.Errorf("%s: url %s has no port to listen on; write one like http://%s.localhost:8084", filepath.Join(dir, name+".yaml"), r.URL, name)
	}
	return place{name, port}, nil
}

const edgeFile = `# Written by make run.
node: %[1]s-1
region: %[1]s
regions: ./regions
state: ./state/%[1]s
listen: {http: %[2]s, dns: {listen: %[8]s}}
admin: {listen: %[3]s}
advertise: http://%[2]s
addresses: [192.0.2.%[9]d, "2001:db8::%[9]d"] # of documentation: nobody is there, but DNS answers show the region
origins: [http://%[4]s]
catalogue: auto
cache: {memory: 64MiB, memcached: %[5]s}
geo: {database: ./demo-city.mmdb}
gossip: {listen: %[6]s, join: [%[7]s]}
trusted_proxies: [127.0.0.0/8, "::1/128"]
access_log: true
`

func (d *demo) writeEdge(p place, socket string) (string, error) {
	memcached := "[]"
	if socket != "" {
		memcached = "[" + strconv.Quote(socket) + "]"
	}
	join := ""
	for _, o := range d.three() {
		if o.region != p.region {
			if join != "" {
				join += ", "
			}
			join += o.gossip()
		}
	}
	file := filepath.Join(d.dir, "edge-"+p.region+".yaml")
	return file, replace(file, fmt.Appendf(nil, edgeFile, p.region, p.http(), p.admin(), d.origin(), memcached, p.gossip(), join, p.dns(), p.port%100))
}

// complete reports whether a node sees all three regions serving and knows a
// catalogue.
func (d *demo) complete(resp *http.Response) bool {
	var s status.Report
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&s) != nil || s.Catalogue == nil {
		return false
	}
	serving := 0
	for _, r := range s.Regions {
		for _, p := range d.three() {
			if string(r.Name) == p.region && r.State == "serving" {
				serving++
			}
		}
	}
	return serving == len(d.three())
}

var errEnded = errors.New("without an error")
