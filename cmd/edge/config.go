package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"mirrornet/pkg/edge"
	"mirrornet/pkg/region"
)

// settings are edge.yaml as written; design: flags over environment over file
// over defaults.
type settings struct {
	Node    string `yaml:"node"`
	Region  string `yaml:"region"`
	Regions string `yaml:"regions"`
	State   string `yaml:"state"`
	Listen  struct {
		HTTP  string `yaml:"http"`
		HTTPS struct {
			Listen   string `yaml:"listen"`
			CertFile string `yaml:"cert_file"`
			KeyFile  string `yaml:"key_file"`
		} `yaml:"https"`
		DNS dnsSettings `yaml:"dns"`
	} `yaml:"listen"`
	Admin struct {
		Listen    string `yaml:"listen"`
		TokenFile string `yaml:"token_file"`
	} `yaml:"admin"`
	Advertise       string   `yaml:"advertise"`
	AdvertiseCAFile string   `yaml:"advertise_ca_file"`
	Addresses       []string `yaml:"addresses"`
	Origins         []string `yaml:"origins"`
	OriginKeyFile   string   `yaml:"origin_key_file"`
	Catalogue       string   `yaml:"catalogue"`
	Cache           struct {
		Memory    string   `yaml:"memory"`
		Memcached []string `yaml:"memcached"`
	} `yaml:"cache"`
	Geo struct {
		Database    string `yaml:"database"`
		ASNDatabase string `yaml:"asn_database"`
	} `yaml:"geo"`
	Gossip struct {
		Listen    string   `yaml:"listen"`
		Advertise string   `yaml:"advertise"`
		Join      []string `yaml:"join"`
		KeyFile   string   `yaml:"key_file"`
		Label     string   `yaml:"label"`
		Allow     []string `yaml:"allow"`
	} `yaml:"gossip"`
	TrustedProxies []string `yaml:"trusted_proxies"`
	AccessLog      bool     `yaml:"access_log"`
}

// setting is one value of the settings: its path in edge.yaml gives it its
// flag (--cache-memory) and its environment variable (EDGE_CACHE_MEMORY).
type setting struct {
	path  string
	value any // *string, *[]string or *bool
	file  bool
	help  string
}

func (s *settings) all() []setting {
	return append([]setting{
		{"node", &s.Node, false, "name of this node, unique in the network"},
		{"region", &s.Region, false, "region that this node stands in"},
		{"regions", &s.Regions, true, "folder of the region files"},
		{"state", &s.State, true, "folder for the last catalogue; empty: kept nowhere"},
		{"listen.http", &s.Listen.HTTP, false, "address of the public listener"},
		{"listen.https.listen", &s.Listen.HTTPS.Listen, false, "address of the public listener for HTTPS; empty: none"},
		{"listen.https.cert_file", &s.Listen.HTTPS.CertFile, true, "PEM file of its certificate and chain, read again when it changes"},
		{"listen.https.key_file", &s.Listen.HTTPS.KeyFile, true, "PEM file of that certificate's key"},
		{"admin.listen", &s.Admin.Listen, false, "address of the operators' listener; empty: none"},
		{"admin.token_file", &s.Admin.TokenFile, true, "file with the token for changes; required off loopback"},
		{"advertise", &s.Advertise, false, "URL at which other edges reach this node; of an https one, their certificate authorities must know the certificate for its host"},
		{"advertise_ca_file", &s.AdvertiseCAFile, true, "PEM file of certificate authorities that are trusted for https to edges and origins, beside the system's"},
		{"addresses", &s.Addresses, false, "public addresses of this node"},
		{"origins", &s.Origins, false, "URLs of the origins, in order of preference"},
		{"origin_key_file", &s.OriginKeyFile, true, "file of keys by which origins believe for whom this node asks (origin serve --edge-key-file); empty: they are not told, and their limits are on this node"},
		{"catalogue", &s.Catalogue, false, "auto: keys by the origin's endpoint catalogue; none: plain RFC 9111"},
		{"cache.memory", &s.Cache.Memory, false, "size of the memory tier, like 256MiB; the process takes a quarter more and 128MiB, unless GOMEMLIMIT or GOGC is set; 0: none"},
		{"cache.memcached", &s.Cache.Memcached, false, "memcached servers, host:port or the path of a unix socket"},
		{"geo.database", &s.Geo.Database, true, "GeoIP database, City or Country; empty: rules only"},
		{"geo.asn_database", &s.Geo.ASNDatabase, true, "GeoIP database of autonomous systems, like GeoLite2-ASN; empty: no asns in rules match"},
		{"gossip.listen", &s.Gossip.Listen, false, "address for gossip; empty: this node stands alone"},
		{"gossip.advertise", &s.Gossip.Advertise, false, "address at which other nodes reach this one's gossip; empty: that of gossip.listen"},
		{"gossip.join", &s.Gossip.Join, false, "gossip addresses of other nodes; a DNS name stands for all its addresses"},
		{"gossip.key_file", &s.Gossip.KeyFile, true, "file of gossip keys, one per line; required off loopback"},
		{"gossip.label", &s.Gossip.Label, false, "name of the network; nodes of another do not understand each other"},
		{"gossip.allow", &s.Gossip.Allow, false, "networks whose gossip is listened to, this node's included; empty: all"},
		{"trusted_proxies", &s.TrustedProxies, false, "networks whose X-Forwarded-For is believed"},
		{"access_log", &s.AccessLog, false, "log every request"},
	}, s.Listen.DNS.all()...)
}

func (f setting) flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(f.path) }
func (f setting) env() string {
	return "EDGE_" + strings.ToUpper(strings.ReplaceAll(f.path, ".", "_"))
}

// set reads a value from a flag or the environment; a list is separated by
// commas or blanks.
func (f setting) set(text string) error {
	switch v := f.value.(type) {
	case *string:
		*v = text
	case *[]string:
		*v = strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	case *bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is not a truth value; write true or false", text)
		}
		*v = b
	}
	return nil
}

// config is what the settings mean.
type config struct {
	node           string
	region         region.Name
	regions, state string
	listen         string
	https          string // empty: none
	certFile       string
	certKey        string
	roots          *x509.CertPool // nil: the system's
	dns            dnsConfig
	addresses      []netip.Addr
	admin, token   string
	advertise      string
	origins        []*url.URL
	catalogue      edge.Mode
	memory         int64 // bytes; 0: none
	memcached      []string
	geo            string
	asns           string
	gossip         netip.AddrPort // invalid: none
	gossipAt       netip.AddrPort // where others reach it; invalid: as gossip
	label          string
	allow          []netip.Prefix // empty: all
	join           []string
	keyFile        string
	originKeyFile  string
	trusted        []netip.Prefix
	accessLog      bool
}

// invalid is a list of configuration faults, each naming its field.
type invalid []string

func (e invalid) Error() string { return strings.Join(e, "\n") }

// readConfig layers file, environment and flags, and checks the whole. file
// may be "": no file. flags maps flag names to values given. Beside faults the
// configuration holds what is right, for edge check to go on with.
func readConfig(file string, lookupEnv func(string) (string, bool), flags map[string]string) (config, error) {
	s := settings{Catalogue: string(edge.Auto)}
	s.Cache.Memory, s.Gossip.Label = "256MiB", "mirrornet"
	var faults invalid
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return config{}, invalid{fmt.Sprintf("%v; name an existing file with --config", err)}
		}
		faults = append(faults, s.read(file, data)...)
	}
	for _, f := range s.all() {
		if text, ok := lookupEnv(f.env()); ok {
			if err := f.set(text); err != nil {
				faults = append(faults, fmt.Sprintf("%s: %v", f.env(), err))
			}
		}
		if text, ok := flags[f.flag()]; ok {
			if err := f.set(text); err != nil {
				faults = append(faults, fmt.Sprintf("--%s: %v", f.flag(), err))
			}
		}
	}
	c, wrong := s.config()
	if len(faults) > 0 { // what was not read is not missing
		return c, faults
	}
	if len(wrong) > 0 {
		if file != "" {
			for i := range wrong {
				wrong[i] = file + ": " + wrong[i]
			}
		}
		return c, wrong
	}
	return c, nil
}

// read fills in the settings from a file. Relative paths in it are relative
// to it.
func (s *settings) read(file string, data []byte) (faults invalid) {
	err := yaml.Load(data, s, yaml.WithKnownFields())
	var many *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case errors.As(err, &many):
		for _, e := range many.Errors {
			faults = append(faults, fault(file, e))
		}
	case errors.As(err, &one):
		faults = invalid{fault(file, one)}
	case err != nil:
		faults = invalid{file + ": " + err.Error()}
	}
	for _, f := range s.all() {
		if v, ok := f.value.(*string); ok && f.file && *v != "" && !filepath.IsAbs(*v) {
			*v = filepath.Join(filepath.Dir(file), *v)
		}
	}
	for i, m := range s.Cache.Memcached {
		if strings.Contains(m, "/") && !filepath.IsAbs(m) {
			s.Cache.Memcached[i] = filepath.Join(filepath.Dir(file), m)
		}
	}
	return faults
}

var (
	unknownField = regexp.MustCompile(`^field (\S+) not found in type .*$`)
	wrongType    = regexp.MustCompile("(?s)^cannot construct !!(\\S+)( `.*`)? into (.+)$")
)

func fault(file string, e *yaml.LoadError) string {
	what := e.Message
	if m := unknownField.FindStringSubmatch(what); m != nil {
		what = fmt.Sprintf("%s is no setting of edge.yaml here; take it out or mend its name", m[1])
	} else if m := wrongType.FindStringSubmatch(what); m != nil {
		found, want := "one value"+m[2], "keys and values, like {key: value}"
		switch m[1] {
		case "seq":
			found = "a list"
		case "map":
			found = "keys and values"
		}
		switch m[3] {
		case "string":
			want = "one value"
		case "[]string":
			want = "a list of values, like [a, b]"
		case "bool":
			want = "true or false"
		}
		what = fmt.Sprintf("here stands %s; write %s", found, want)
	} else if strings.Contains(what, "no documents in stream") {
		return file + ":1:1: the file is empty; write at least node, region, regions, listen and origins"
	} else if strings.Contains(what, "single document, found multiple") {
		return file + ": a second document follows ---; keep one document in the file"
	}
	return fmt.Sprintf("%s:%d:%d: %s", file, e.Mark.Line, e.Mark.Column, what)
}

func (s *settings) config() (config, invalid) {
	c := config{node: s.Node, region: region.Name(s.Region), regions: s.Regions, state: s.State, listen: s.Listen.HTTP,
		admin: s.Admin.Listen, advertise: strings.TrimSuffix(s.Advertise, "/"), memcached: s.Cache.Memcached, geo: s.Geo.Database, asns: s.Geo.ASNDatabase,
		join: s.Gossip.Join, keyFile: s.Gossip.KeyFile, originKeyFile: s.OriginKeyFile, accessLog: s.AccessLog, catalogue: edge.Mode(s.Catalogue)}
	var faults invalid
	wrong := func(field, format string, args ...any) {
		faults = append(faults, field+": "+fmt.Sprintf(format, args...))
	}
	for _, f := range []struct{ path, value, example string }{{"node", s.Node, "asia-1"}, {"region", s.Region, "asia"},
		{"regions", s.Regions, "./regions"}, {"listen.http", s.Listen.HTTP, "0.0.0.0:8080"}} {
		if f.value == "" {
			wrong(f.path, "is required; write one like %s", f.example)
		}
	}
	if s.Listen.HTTP != "" {
		if _, port, err := net.SplitHostPort(s.Listen.HTTP); err != nil || !goodPort(port) {
			wrong("listen.http", "%q is no address with a port; write one like 0.0.0.0:8080", s.Listen.HTTP)
		}
	}
	s.https(&c, wrong)
	s.dns(&c, wrong)
	if s.Region != "" && !c.region.Valid() {
		wrong("region", "%q cannot name a region; write a lower-case name like asia", s.Region)
	}
	if len(s.Origins) == 0 {
		wrong("origins", "is required; write at least one URL, like [http://127.0.0.1:8000]")
	}
	for i, o := range s.Origins {
		u, err := httpURL(o)
		if err != nil {
			wrong(fmt.Sprintf("origins[%d]", i), "%v", err)
			continue
		}
		c.origins = append(c.origins, u)
	}
	if c.catalogue != edge.Auto && c.catalogue != edge.None {
		wrong("catalogue", "%q; write auto or none", s.Catalogue)
	}
	var err error
	if c.memory, err = parseSize(s.Cache.Memory); err != nil {
		wrong("cache.memory", "%v", err)
	} else if c.memory == 0 && len(c.memcached) == 0 {
		wrong("cache.memory", "0 without cache.memcached leaves no cache; give one of them")
	}
	for i, p := range s.TrustedProxies {
		prefix, err := parsePrefix(p)
		if err != nil {
			wrong(fmt.Sprintf("trusted_proxies[%d]", i), "%q is no network; write one like 10.0.0.0/8 or ::1/128", p)
			continue
		}
		c.trusted = append(c.trusted, prefix)
	}
	s.gossip(&c, wrong)
	if s.Advertise != "" {
		if _, err := httpURL(s.Advertise); err != nil {
			wrong("advertise", "%v", err)
		}
	} else if host, _, err := net.SplitHostPort(s.Listen.HTTP); err == nil {
		if ip, err := netip.ParseAddr(host); err == nil && !ip.IsUnspecified() {
			c.advertise = "http://" + s.Listen.HTTP
		} else if c.gossip.IsValid() {
			wrong("advertise", "is required when listen.http names no single address; write the URL at which other edges reach this node, like http://198.51.100.7:8080")
		}
	}
	if s.Admin.Listen != "" {
		host, port, err := net.SplitHostPort(s.Admin.Listen)
		ip, ipErr := netip.ParseAddr(host)
		switch {
		case err != nil || !goodPort(port):
			wrong("admin.listen", "%q is no address with a port; write one like 127.0.0.1:9080", s.Admin.Listen)
		case s.Admin.TokenFile == "" && !(host == "localhost" || ipErr == nil && ip.IsLoopback()):
			wrong("admin.token_file", "is required since admin.listen %s is not loopback; write the path of a file that holds a long random text", s.Admin.Listen)
		}
	}
	if s.Admin.TokenFile != "" {
		token, err := os.ReadFile(s.Admin.TokenFile)
		if c.token = strings.TrimSpace(string(token)); err != nil {
			wrong("admin.token_file", "%v", err)
		} else if len(c.token) < 16 {
			wrong("admin.token_file", "%s holds fewer than 16 characters; write a longer random text", s.Admin.TokenFile)
		}
	}
	return c, faults
}

// privateNetwork reports whether a base URL names an address of no public network.
func privateNetwork(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return err == nil && (a.IsPrivate() || a.IsLoopback())
}

func noRegion(c config) invalid {
	return invalid{fmt.Sprintf("region: no file describes %s; write %s/%s.yaml", c.region, c.regions, c.region)}
}
