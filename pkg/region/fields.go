package region

// A form is what the value of a field looks like.
type form int

const (
	mapping form = iota // of the fields below it
	line
	name
	choice
	baseURL
	baseURLs
	urlPatterns
	latitude
	longitude
	country
	continents
	countries
	networks
	asns
	rate
	percent
)

// A field is one key of a file. The parser takes the keys and choices from
// here, the schema all of it.
type field struct {
	key      string
	form     form
	required bool
	help     string   // one sentence for people
	none     string   // what holds where it is not given
	choices  []string // of form choice
	of       []field  // of form mapping
}

func regionFields() []field {
	return []field{
		{key: "title", form: line, help: "What people read, one short line.", none: "the region's name"},
		{key: "url", form: baseURL, required: true, help: "Scheme and host that users type and are redirected to; the hostname is this region's alone."},
		{key: "location", form: mapping, required: true, help: "Where its machines stand.", of: locationFields()},
		{key: "serves", form: mapping, help: "Clients who are meant for this region; the most specific rule wins: networks, asns, countries, continents.", of: rulesFields()},
		{key: "avoid", form: mapping, help: "Clients who are never sent here.", of: rulesFields()},
		{key: "capacity", form: mapping, help: "What its machines can answer.", of: capacityFields()},
		{key: "parent", form: name, help: "The region to ask before the origin.", none: "none"},
		{key: "state", form: choice, choices: []string{string(Serving), string(Canary), string(Draining), string(Retired)}, none: string(Serving),
			help: "serving; canary: for a share of the clients; draining: no new clients; retired: no clients, the name stays known."},
		{key: "share", form: percent, help: "Percent of the clients in state canary, which needs it."},
	}
}

func locationFields() []field {
	return []field{
		{key: "lat", form: latitude, required: true, help: "Degrees, north positive."},
		{key: "lon", form: longitude, required: true, help: "Degrees, east positive."},
		{key: "country", form: country, help: "Code of ISO 3166-1."},
	}
}

func rulesFields() []field {
	return []field{
		{key: "continents", form: continents, help: "Codes of continents."},
		{key: "countries", form: countries, help: "Codes of ISO 3166-1."},
		{key: "networks", form: networks, help: "Networks as address/bits, without bits behind the mask."},
		{key: "asns", form: asns, help: "Numbers of autonomous systems."},
	}
}

func capacityFields() []field {
	return []field{
		{key: "soft_rps", form: rate, help: "Requests per second above which the excess goes to the next region.", none: "no limit"},
		{key: "hard_rps", form: rate, help: "Requests per second above which no new client is taken.", none: "no limit"},
	}
}

func networkFields() []field {
	return []field{
		{key: "canonical", form: baseURLs, required: true, help: "Names that any region answers to, the first for links."},
		{key: "home", form: name, required: true, help: "The region for clients of unknown place."},
		{key: "routing", form: mapping, help: "What is done with requests to a canonical name.", of: routingFields()},
		{key: "announced", form: mapping, help: "What joining nodes may announce about regions without a file.", of: announcedFields()},
	}
}

func routingFields() []field {
	return []field{
		{key: "navigation", form: choice, choices: []string{"redirect", "serve"}, none: "redirect", help: "A browser's page load."},
		{key: "api", form: choice, choices: []string{"serve", "proxy", "redirect"}, none: "serve", help: "An API call; many API clients do not follow redirects."},
	}
}

func announcedFields() []field {
	return []field{
		{key: "urls", form: urlPatterns, help: `URLs that are accepted, "*." for any one label.`, none: "nothing announced is accepted"},
		{key: "networks", form: networks, help: "Networks that announced regions may claim, and their parts."},
		{key: "asns", form: asns, help: "Autonomous systems that announced regions may claim."},
	}
}

func keys(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.key
	}
	return names
}

// choices are those of the field of that key.
func choices(fields []field, key string) []string {
	for _, f := range fields {
		if f.key == key {
			return f.choices
		}
	}
	return nil
}
