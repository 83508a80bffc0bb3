package region

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"

	"mirrornet/pkg/geo"
)

// parsed is a file's value with what is needed to speak of it later.
type parsed[T any] struct {
	value T
	file  string
	at    map[string]pos
	whole bool // the file was YAML: its fields are worth checking against others
}

// ParseRegion reads one region file. file stands in messages only. The error is
// Problems; relations to other files ([NewMap] and [Load] check them) are not
// looked at.
func ParseRegion(name Name, file string, data []byte) (Region, error) {
	p, problems := parseRegion(name, file, data)
	return p.value, problems.err()
}

// ParseNetwork reads network.yaml. The error is Problems.
func ParseNetwork(file string, data []byte) (Network, error) {
	p, problems := parseNetwork(file, data)
	return p.value, problems.err()
}

func parseRegion(name Name, file string, data []byte) (parsed[Region], Problems) {
	d := newDoc(file, data)
	r := Region{Name: name, Title: string(name), State: Serving}
	if !name.Valid() {
		d.add(pos{}, fmt.Sprintf("%q cannot name a region", name),
			"name the file with a-z, 0-9 and - (a letter first, at most 32, not network), such as asia.yaml")
	}
	if d.root == nil {
		return parsed[Region]{value: r, file: file}, d.problems
	}
	f := d.fields(d.root, "", keys(regionFields())...)

	if n := f["title"]; n != nil {
		r.Title = d.text(n, "title", "Asia Pacific (Singapore)")
		if n.Kind == yaml.ScalarNode && (strings.TrimSpace(r.Title) == "" || len(r.Title) > 200 || strings.ContainsFunc(r.Title, unicode.IsControl)) {
			d.fail(n, "write one short line: Asia Pacific (Singapore)", "title %.40q is not a title", r.Title)
		}
	}
	if n := f["url"]; n != nil {
		r.URL, r.Host = d.baseURL(n, "url", "https://"+string(name)+".example.org")
	} else {
		d.missing("url", "url: https://"+string(name)+".example.org")
	}
	if n := f["location"]; n != nil {
		r.Location, r.Country = d.location(n)
	} else {
		d.missing("location", "location: {lat: 1.3521, lon: 103.8198, country: SG}")
	}
	r.Serves = d.rules(f["serves"], "serves")
	r.Avoid = d.rules(f["avoid"], "avoid")
	r.SoftRPS, r.HardRPS = d.capacity(f["capacity"])
	if n := f["parent"]; n != nil {
		r.Parent = Name(d.text(n, "parent", "europe"))
	}
	if n := f["state"]; n != nil {
		if r.State = State(d.text(n, "state", "serving")); !slices.Contains(choices(regionFields(), "state"), string(r.State)) {
			d.fail(n, "write serving, canary, draining or retired", "state %q is not known", r.State)
		}
	}
	if n := f["share"]; n != nil {
		share, err := strconv.Atoi(d.text(n, "share", "5"))
		if n.Kind == yaml.ScalarNode && (err != nil || share < 0 || share > 100) {
			d.fail(n, "write a whole number of percent from 0 to 100, without %", "share %q is not a percentage", n.Value)
		} else {
			r.Share = share
		}
	} else if r.State == Canary {
		d.add(d.at["state"], "state canary without a share", "add share: 5 (percent of the clients)")
	}
	return parsed[Region]{value: r, file: file, at: d.at, whole: true}, d.problems
}

func parseNetwork(file string, data []byte) (parsed[Network], Problems) {
	d := newDoc(file, data)
	net := Network{Navigation: "redirect", API: "serve"}
	if d.root == nil {
		return parsed[Network]{value: net, file: file}, d.problems
	}
	f := d.fields(d.root, "", keys(networkFields())...)

	const example = "[https://rest.example.org]"
	d.list(f["canonical"], "canonical", example, func(n *yaml.Node) {
		if url, _ := d.baseURL(n, "canonical", "https://rest.example.org"); url != "" {
			d.at[fmt.Sprintf("canonical[%d]", len(net.Canonical))] = pos{n.Line, n.Column}
			net.Canonical = append(net.Canonical, url)
		}
	})
	if n := f["canonical"]; n == nil {
		d.missing("canonical", "canonical: "+example)
	} else if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		d.fail(n, "write canonical: "+example, "canonical is empty")
	}
	if n := f["home"]; n != nil {
		net.Home = Name(d.text(n, "home", "europe"))
	} else {
		d.missing("home", "home: europe (the region for clients of unknown place)")
	}
	routing := d.fields(f["routing"], "routing", keys(routingFields())...)
	net.Navigation = d.choice(routing["navigation"], "routing.navigation", net.Navigation, choices(routingFields(), "navigation")...)
	net.API = d.choice(routing["api"], "routing.api", net.API, choices(routingFields(), "api")...)

	announced := d.fields(f["announced"], "announced", keys(announcedFields())...)
	d.list(announced["urls"], "announced.urls", `["https://*.example.org"]`, func(n *yaml.Node) {
		if url := d.pattern(n); url != "" {
			net.Announced.URLs = append(net.Announced.URLs, url)
		}
	})
	slices.Sort(net.Announced.URLs)
	net.Announced.URLs = slices.Compact(net.Announced.URLs)
	net.Announced.Networks = d.networks(announced["networks"], "announced.networks")
	net.Announced.ASNs = d.asns(announced["asns"], "announced.asns")
	return parsed[Network]{value: net, file: file, at: d.at, whole: true}, d.problems
}

// missing reports a required key, at its own place if it stands there empty.
func (d *doc) missing(key, write string) {
	d.add(d.at[key], key+" is missing", "write "+write)
}

func (d *doc) location(n *yaml.Node) (geo.Point, string) {
	const example = "{lat: 1.3521, lon: 103.8198, country: SG}"
	f := d.fields(n, "location", keys(locationFields())...)
	country := d.country(f["country"])
	lat, okLat := d.number(f["lat"], "location.lat", "1.3521")
	lon, okLon := d.number(f["lon"], "location.lon", "103.8198")
	if n.Kind == yaml.MappingNode {
		for _, key := range []string{"lat", "lon"} {
			if f[key] == nil {
				d.fail(n, "write location: "+example, "location.%s is missing", key)
			}
		}
	}
	// Each half is checked alone, so that both can be reported.
	if okLat {
		if _, err := geo.At(lat, 0); err != nil {
			d.fail(f["lat"], "write degrees, north positive: 1.3521", "%s", err)
			okLat = false
		}
	}
	if okLon {
		if _, err := geo.At(0, lon); err != nil {
			d.fail(f["lon"], "write degrees, east positive: 103.8198", "%s", err)
			okLon = false
		}
	}
	if !okLat || !okLon {
		return geo.Point{}, country
	}
	p, _ := geo.At(lat, lon)
	return p, country
}

func (d *doc) country(n *yaml.Node) string {
	code := d.text(n, "location.country", "SG")
	if code == "" {
		return ""
	}
	return d.code(n, "country", geo.KnownCountry, "write a code of ISO 3166-1 such as SG")
}

// code reads a two-letter code that known knows.
func (d *doc) code(n *yaml.Node, what string, known func(string) bool, advice string) string {
	if known(n.Value) {
		return n.Value
	}
	if up := strings.ToUpper(strings.TrimSpace(n.Value)); known(up) {
		advice = "write " + up
	} else if up == "UK" && known("GB") {
		advice = "write GB"
	}
	d.fail(n, advice, "unknown %s %q", what, n.Value)
	return ""
}

func (d *doc) rules(n *yaml.Node, path string) (r Rules) {
	f := d.fields(n, path, keys(rulesFields())...)
	codes := func(key, what, example, advice string, known func(string) bool) (codes []string) {
		d.list(f[key], path+"."+key, example, func(n *yaml.Node) {
			if code := d.code(n, what, known, advice); code != "" {
				codes = append(codes, code)
			}
		})
		slices.Sort(codes)
		return slices.Compact(codes)
	}
	r.Continents = codes("continents", "continent", "[AS, OC]", "write AF, AN, AS, EU, NA, OC or SA", geo.KnownContinent)
	r.Countries = codes("countries", "country", "[JP, KR]", "write codes of ISO 3166-1 such as JP", geo.KnownCountry)
	r.Networks = d.networks(f["networks"], path+".networks")
	r.ASNs = d.asns(f["asns"], path+".asns")
	return r
}

func (d *doc) networks(n *yaml.Node, path string) (out []netip.Prefix) {
	d.list(n, path, "[192.0.2.0/24, 2001:db8::/32]", func(n *yaml.Node) {
		advice := "write address/bits such as 192.0.2.0/24 or 2001:db8::/32"
		p, err := netip.ParsePrefix(n.Value)
		if err != nil {
			if a, err := netip.ParseAddr(n.Value); err == nil && a.Zone() == "" {
				a = a.Unmap()
				advice = "write " + netip.PrefixFrom(a, a.BitLen()).String()
			}
			d.fail(n, advice, "%q is not a network", n.Value)
			return
		}
		if a := p.Addr(); a.Is4In6() {
			if p.Bits() >= 96 {
				advice = "write " + netip.PrefixFrom(a.Unmap(), p.Bits()-96).Masked().String()
			}
			d.fail(n, advice, "%q is an IPv4 network in IPv6 form", n.Value)
			return
		}
		if p != p.Masked() {
			d.fail(n, "write "+p.Masked().String(), "%q has bits behind its mask", n.Value)
			return
		}
		out = append(out, p)
	})
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.Compact(out)
}

func (d *doc) asns(n *yaml.Node, path string) (out []uint32) {
	d.list(n, path, "[64500]", func(n *yaml.Node) {
		v, err := strconv.ParseUint(n.Value, 10, 32)
		if err != nil || v == 0 {
			advice := "write a number such as 64500"
			if v, err := strconv.ParseUint(strings.TrimLeft(n.Value, "aAsS"), 10, 32); err == nil && v != 0 {
				advice = fmt.Sprintf("write %d", v)
			}
			d.fail(n, advice, "%q is not the number of an autonomous system", n.Value)
			return
		}
		out = append(out, uint32(v))
	})
	slices.SortFunc(out, cmp.Compare[uint32])
	return slices.Compact(out)
}

func (d *doc) capacity(n *yaml.Node) (soft, hard float64) {
	f := d.fields(n, "capacity", keys(capacityFields())...)
	rps := func(key string) float64 {
		v, ok := d.number(f[key], "capacity."+key, "2000")
		if ok && v < 0 {
			d.fail(f[key], "write requests per second; leave it away for no limit", "capacity.%s %s is not a rate", key, f[key].Value)
			return 0
		}
		return v
	}
	soft, hard = rps("soft_rps"), rps("hard_rps")
	if hard > 0 && soft > hard {
		d.fail(f["soft_rps"], fmt.Sprintf("write at most %s", number(hard)), "capacity.soft_rps %s is above hard_rps %s", number(soft), number(hard))
	}
	return soft, hard
}

func (d *doc) choice(n *yaml.Node, path, none string, allowed ...string) string {
	if n == nil {
		return none
	}
	v := d.text(n, path, none)
	if n.Kind == yaml.ScalarNode && !slices.Contains(allowed, v) {
		d.fail(n, "write "+strings.Join(allowed, " or "), "%s %q is not known", path, v)
		return none
	}
	return v
}
