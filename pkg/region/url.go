package region

import (
	"net/netip"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v4"
)

// baseURL reads scheme and authority, lower case and without the scheme's own
// port; "" if n is bad.
func (d *doc) baseURL(n *yaml.Node, path, example string) (base, host string) {
	text := d.text(n, path, example)
	if n.Kind != yaml.ScalarNode {
		return "", ""
	}
	base, host, what, advice := parseBase(text)
	if what != "" {
		if advice == "" {
			advice = example
		}
		d.fail(n, "write "+advice, "%s %q %s", path, text, what)
		return "", ""
	}
	return base, host
}

// parseBase splits "https://asia.example.org" into what is redirected to and
// what users type. What is not empty if the text is bad, and advice then says
// what to write, where it can be told.
func parseBase(text string) (base, host, what, advice string) {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" && u.Scheme != "http" && u.Scheme != "https" || u.Scheme == "" {
		if h := strings.ToLower(text); validHost(h) {
			advice = "https://" + h
		}
		return "", "", "is not a URL with scheme and host", advice
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		if validHost(strings.ToLower(u.Host)) {
			advice = "https://" + strings.ToLower(u.Host)
		}
		return "", "", "is neither http nor https", advice
	}
	name, port := strings.ToLower(u.Hostname()), u.Port()
	if !validHost(name) {
		return "", "", "has no usable hostname (international names in their xn-- form)", ""
	}
	if port == "" && strings.HasSuffix(u.Host, ":") || !validPort(port) {
		return "", "", "has no usable port", u.Scheme + "://" + name
	}
	if u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		port = ""
	}
	host = name
	if strings.Contains(name, ":") {
		host = "[" + name + "]"
	}
	if port != "" {
		host += ":" + port
	}
	base = u.Scheme + "://" + host
	if u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#") {
		return "", "", "has more than scheme, host and port", base
	}
	return base, host, "", ""
}

// validHost accepts a lower-case DNS name or an IP address without a zone.
func validHost(name string) bool {
	if a, err := netip.ParseAddr(name); err == nil {
		return a.Zone() == ""
	}
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return true
}

func validPort(port string) bool {
	if port == "" {
		return true
	}
	p, err := netip.ParseAddrPort("0.0.0.0:" + port)
	return err == nil && p.Port() != 0
}

// hostname is the part of a base URL that requests are matched by.
func hostname(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// pattern reads one of announced.urls: a base URL, with "*." in front of the
// host for any one label.
func (d *doc) pattern(n *yaml.Node) string {
	scheme, rest, _ := strings.Cut(n.Value, "://")
	domain, wild := strings.CutPrefix(rest, "*.")
	base, host, what, advice := parseBase(scheme + "://" + domain)
	if what == "" && wild && !strings.Contains(host, ".") {
		what, advice = "allows every name", ""
	}
	if what != "" {
		if advice == "" {
			advice = "https://*.example.org"
		}
		d.fail(n, "write "+advice, "announced.urls %q %s", n.Value, what)
		return ""
	}
	if wild {
		scheme, _, _ = strings.Cut(base, "://")
		return scheme + "://*." + host
	}
	return base
}
