package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

func goodPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

func httpURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("%q is no base URL; write one like http://127.0.0.1:8000", s)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

// parsePrefix reads a network or a single address. IPv4 written as IPv6 becomes
// IPv4, as clients' addresses do: else it would match none of them.
func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, aerr := netip.ParseAddr(s)
		if aerr != nil || a.Zone() != "" {
			return netip.Prefix{}, err
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, errors.New("an IPv4 network needs 96 bits or more when written as IPv6")
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

var sizeText = regexp.MustCompile(`^([0-9]+) ?(B|KiB|MiB|GiB)?$`)

// parseSize reads a number of bytes like 256MiB.
func parseSize(s string) (int64, error) {
	m := sizeText.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q is no size; write one like 256MiB, 2GiB or 0", s)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	shift := map[string]int{"": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30}[m[2]]
	if err != nil || n > (1<<50)>>shift {
		return 0, fmt.Errorf("%q is too large a size; write one like 256MiB", s)
	}
	return n << shift, nil
}
