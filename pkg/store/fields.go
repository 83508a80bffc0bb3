package store

// The tables of version 2. Their order is part of it.

// fieldNames are those that stored responses mostly have.
var fieldNames = [...]string{
	"Accept-Ranges", "Age", "Allow", "Alt-Svc", "Cache-Control", "Cdn-Cache-Control", "Content-Disposition", "Content-Encoding",
	"Content-Language", "Content-Length", "Content-Location", "Content-Security-Policy", "Content-Type", "Date", "Deprecation", "Etag",
	"Expires", "Last-Modified", "Link", "Location", "Pragma", "Referrer-Policy", "Repr-Digest", "Retry-After", "Server", "Sunset",
	"Surrogate-Control", "Surrogate-Key", "Vary", "Warning", "X-Content-Type-Options", "X-Frame-Options", "X-Runtime",
}

// fieldValues are whole values that many responses have.
var fieldValues = [...]string{
	"", "application/json", "application/json; charset=UTF-8", "application/json;charset=utf-8", "text/plain", "text/plain; charset=utf-8",
	"text/html; charset=utf-8", "text/javascript", "text/x-fasta", "text/x-gff3", "text/x-yaml", "text/xml", "application/octet-stream",
	"nosniff", "bytes", "none", "Accept", "Accept, Content-Type", "Accept-Encoding", "Accept, Accept-Encoding", "Content-Type", "Origin",
	"en", "no-cache", "public", "0", "*", "SAMEORIGIN", "DENY",
}

var (
	fieldPlaces      = placesOf(fieldNames[:], 1)
	fieldValuePlaces = placesOf(fieldValues[:], 0)
)

func placesOf(list []string, from uint64) map[string]uint64 {
	places := make(map[string]uint64, len(list))
	for i, s := range list {
		places[s] = from + uint64(i)
	}
	return places
}
