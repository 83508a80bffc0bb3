package status

import (
	"time"

	"mirrornet/pkg/region"
)

// Operators is what only the operators' listener says, beside a Report: it holds
// addresses, paths and what mistakes in files look like.
type Operators struct {
	RegionsFolder string            `json:"regions_folder"`
	Problems      []string          `json:"problems,omitempty"`  // of region files that are refused: file:line:col: what; advice
	Addresses     map[string]string `json:"addresses,omitempty"` // node → where the others reach it
	Drains        []Drain           `json:"drains,omitempty"`    // in force
	Announcements []Announcement    `json:"announcements,omitempty"`
}

// Drain is a region or a node that an operator took out for a while.
type Drain struct {
	Kind  string    `json:"kind"` // region, node
	Name  string    `json:"name"`
	By    string    `json:"by"` // the node that was told to
	Why   string    `json:"why,omitempty"`
	Until time.Time `json:"until"`
}

// Announcement is what became of what a node announced of its own region.
type Announcement struct {
	Node    string      `json:"node"`
	Region  region.Name `json:"region"`
	Outcome string      `json:"outcome"`        // used, beside a file, refused …: in a word
	Text    string      `json:"text,omitempty"` // what was refused, ignored, or differs
}

// Asked is a question to the network's page, and its answer: what would a client
// of that address, or at that point, get?
type Asked struct {
	Addr        string       `json:"addr,omitempty"` // as it was written
	Country     string       `json:"country,omitempty"`
	Point       *Location    `json:"point,omitempty"` // nil: of an address, or of a country alone
	Error       string       `json:"error,omitempty"` // of the address or point, as the API says it
	Explanation *Explanation `json:"explanation,omitempty"`
}
