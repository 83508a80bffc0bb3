package apispec

import "strings"

// MaxCallback bounds the length of a JSONP callback.
const MaxCallback = 128

// BadCallback is what a client is told whose callback is not valid. It is said
// by whoever sees it first, edge or origin, in the same words.
const BadCallback = "callback is not the name of a JavaScript function; write one like show or my.show"

// ValidCallback reports whether s may be called in a script: identifiers of
// ASCII letters, digits, "_" and "$" joined by dots, at most 128 bytes, the first no
// reserved word.
func ValidCallback(s string) bool {
	if s == "" || len(s) > MaxCallback {
		return false
	}
	first, _, _ := strings.Cut(s, ".")
	if reserved(first) {
		return false
	}
	for name := range strings.SplitSeq(s, ".") {
		if name == "" || '0' <= name[0] && name[0] <= '9' {
			return false
		}
		for i := range len(name) {
			switch c := name[i]; {
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '$':
			default:
				return false
			}
		}
	}
	return true
}

// reserved tells ECMAScript's reserved words; "this" may start a path.
func reserved(s string) bool {
	switch s {
	case "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete", "do", "else", "enum",
		"export", "extends", "false", "finally", "for", "function", "if", "import", "in", "instanceof", "let", "new", "null",
		"return", "static", "super", "switch", "throw", "true", "try", "typeof", "var", "void", "while", "with", "yield":
		return true
	}
	return false
}
