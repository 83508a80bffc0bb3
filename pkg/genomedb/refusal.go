package genomedb

import (
	"fmt"
	"net/http"
)

// Refusal is an error that says what was wrong with the request. Message is a
// sentence for the API's users; Status is the HTTP status (RFC 9110 §15.5),
// which is part of the API's contract as the sentence is.
type Refusal struct {
	Status  int
	Message string
}

func (r *Refusal) Error() string { return r.Message }

// Refuse makes the API's usual 400.
func Refuse(format string, args ...any) *Refusal {
	return &Refusal{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}
