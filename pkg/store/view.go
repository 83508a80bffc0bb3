package store

import "unsafe"

// A record is written once and then only read, so that the strings and bodies
// of a response may be parts of it. These two conversions are all that this
// takes, and the only unsafe code of the package: nobody writes to what either
// returns or was given.

func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
