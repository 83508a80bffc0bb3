package lane

import "strings"

// streams are what clients may send on one connection: from plain hits to what
// is meant to be read differently by two servers.
func streams() []string {
	const a = "GET /a HTTP/1.1\r\nHost: test\r\n\r\n"
	head := "HEAD /a HTTP/1.1\r\nHost: test\r\n\r\n"
	post := func(fields, body string) string {
		return "POST /own HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n" + body
	}
	chunked := post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n")
	list := []string{
		get("/alike/1") + get("/alike/2") + a + get("/alike/3?x=1") + get("/alike/4"), get("/alike/5", "Accept: x") + get("/alike/6", "Accept: y") + get("/own"),
		get("/alike/7") + get("/b") + "HEAD /alike/8 HTTP/1.1\r\nHost: test\r\n\r\n" + get("/alike/9", "Cookie: x"), get("/alike/1", "Cookie: x") + get("/alike/2", "Cookie: own") + get("/alike/3", "Cookie: x", "Cookie: own") + get("/a", "Cookie: x") + get("/alike/4", "Cookie:"), get("/alike/"+strings.Repeat("x", 900)) + a,
		a, a + a + a, a + get("/b") + a, head + a + head, get("/size/6000") + a, get("/size/70000") + get("/size/6000") + a,
		get("/a", `If-None-Match: "v"`) + a, get("/a", `If-None-Match: W/"v", "x"`) + a, get("/a", "If-None-Match: *"),
		get("/a", "Accept: text/html", "User-Agent: x", "Accept-Encoding: gzip, br", "Sec-CH-UA-Mobile: ?0"),
		get("/a", "accept:text/html") + get("/a", "ACCEPT: \t text/html \t"), get("/a", "Accept:") + a, get("/a", "Accept: a", "Accept: b"),
		get("/a", "Accept: a, b") + get("/a", "Accept: a", "accept: b"), get("/a", "User-Agent: \xc3\xa9\xff") + get("/a", "Accept: \xc3\xa9"),
		get("/a?x=1;y=2&z") + get("/a?x=1&y=2;z") + get("//a//") + get("/a#f") + get("/%61") + get("/a%zz") + a,
		get("/a", "Cookie: a=b") + a, get("/a", "Range: bytes=0-3") + a, get("/a", "Authorization: x") + a,
		get("/a", "Cache-Control: no-cache") + get("/a", "Pragma: no-cache") + a,
		get("/a", "Connection: close") + a, get("/a", "Connection: keep-alive") + get("/a", "Connection: Keep-Alive, Accept") + a,
		get("/a", "Connection: keep-alive", "Connection: close") + a, get("/close") + a, a + get("/close") + a, get("/a", "Connection:") + a,
		"GET /a HTTP/1.0\r\nHost: test\r\n\r\n" + a, "GET /a HTTP/1.0\r\nHost: test\r\nConnection: keep-alive\r\n\r\n" + a,
		"GET http://test/a HTTP/1.1\r\nHost: test\r\n\r\n" + a, "GET http://other/a HTTP/1.1\r\nHost: test\r\n\r\n" + a,
		"OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n" + a, "CONNECT test:80 HTTP/1.1\r\nHost: test\r\n\r\n" + a,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "get /a HTTP/1.1\r\nHost: test\r\n\r\n" + a, "GET /a HTTP/1.2\r\nHost: test\r\n\r\n" + a,
		"GET /a HTTP/2.0\r\nHost: test\r\n\r\n", "GET  /a HTTP/1.1\r\nHost: test\r\n\r\n", "GET /a  HTTP/1.1\r\nHost: test\r\n\r\n",
		"GET /a HTTP/1.1 \r\nHost: test\r\n\r\n", "GET /a\tHTTP/1.1\r\nHost: test\r\n\r\n", "GET /a\r\n\r\n", " GET /a HTTP/1.1\r\nHost: test\r\n\r\n",
		"GET /\x00 HTTP/1.1\r\nHost: test\r\n\r\n", "GET /\xe9 HTTP/1.1\r\nHost: test\r\n\r\n" + a, "GET a HTTP/1.1\r\nHost: test\r\n\r\n",
		"\r\n" + a, "\r\n\r\n" + a, "\n" + a, post("Content-Length: 2\r\n", "ab") + "\r\n" + a,
		"GET /a HTTP/1.1\r\n\r\n" + a, "GET /a HTTP/1.1\r\nHost:\r\n\r\n" + a, get("/a", "Host: test") + a, get("/a", "Host: other") + a,
		"GET /a HTTP/1.1\r\nHost: te st\r\n\r\n", "GET /a HTTP/1.1\r\nHost: TEST\r\n\r\n" + a, "GET /a HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n",
		"GET /a HTTP/1.1\nHost: test\n\n" + a, "GET /a HTTP/1.1\r\nHost: test\n\r\n" + a, "GET /a HTTP/1.1\r\nHost: test\r\n\n" + a,
		"GET /a HTTP/1.1\r\nHost: test\r\r\n\r\n" + a, "GET /a HTTP/1.1\r\r\nHost: test\r\n\r\n", "GET /a HTTP/1.1\r\nHost: test\r\n\r\r\n",
		get("/a", "Accept : x") + a, get("/a", " Accept: x") + a, get("/a", "Accept: x", "\ty") + a, get("/a", "User-Agent: x", " folded") + a,
		get("/a", "Accept") + a, get("/a", ": x") + a, get("/a", "User-Agent: \x01") + a, get("/a", "User-Agent: \x7f") + a,
		get("/a", "User-Agent: a\x00b", "Cookie: x"), get("/a", "User-Agent: 12345678\x1f") + a, get("/a", "Sec-CH-\x01: x") + a,
		get("/a", "Sec-CH-a b: x") + a, get("/a", "Sec-CH-_: x") + a, get("/a", "User-Agent: a\rb") + a, get("/a", "Us\xc3\xa9r: x") + a,
		post("Content-Length: 5\r\n", "hello") + a, post("Content-Length: 5\r\n", a) + a, post("Content-Length: 0\r\n", "") + a,
		chunked + a + chunked + a, post("Transfer-Encoding: chunked\r\nTrailer: X\r\n", "1;x=y\r\nz\r\n0\r\nX: y\r\n\r\n") + a,
		post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+a), post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello") + a,
		post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello") + a, post("Content-Length: +5\r\n", "hello") + a,
		post("Content-Length: 5 \r\n", "hello") + a, post("Content-Length: 0x5\r\n", "hello") + a, post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n") + a,
		post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n") + a, post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n") + a,
		post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n") + a, post("Transfer-Encoding: chunked\r\n", "5\nhello\r\n0\r\n\r\n") + a,
		get("/a", "Content-Length: 5") + "hello" + a, get("/ignore", "Content-Length: 31") + a + a, get("/a", "Transfer-Encoding: chunked") + "0\r\n\r\n" + a,
		get("/a", "Content-Length: 31") + a + a, post("", "") + a, post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello") + a,
		get("/a", "Expect: 100-continue") + a, get("/a", "Expect: x") + a, get("/a", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings") + a,
		"PUT /own HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc" + a, "DELETE /own HTTP/1.1\r\nHost: test\r\n\r\n" + a,
		"GET /a HTTP/1.1\r\nHo", "GET /a", "G", "", a + "GET", a + "\r\n", a + "XY", a + "\x00", a + "HEAD /a HTTP/1.1\r\n", post("Content-Length: 9\r\n", "half"), "\x16\x03\x01\x00\x05hello",
		get("/a", "User-Agent: "+strings.Repeat("x", 3000)) + a, get("/a", "User-Agent: "+strings.Repeat("y", 4090)) + a + a,
		get("/a?"+strings.Repeat("q", 4080)) + a, get("/a", "Cookie: "+strings.Repeat("z", 9000)) + a,
		"GET /" + strings.Repeat("t", 6000), get("/a", strings.TrimSuffix(strings.Repeat("DNT: 1\r\n", 600), "\r\n")) + a,
		strings.Repeat(a, 200), strings.Repeat(a+get("/b", "Cookie: c=d"), 30), strings.Repeat(head, 130),
	}
	return list
}
