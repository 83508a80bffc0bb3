package lane

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// head583 is what a browser sends.
var head583 = get("/lookup/id/ENSG00000157764?expand=1", "Connection: keep-alive", `sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"`,
	"sec-ch-ua-mobile: ?0", `sec-ch-ua-platform: "Linux"`, "Upgrade-Insecure-Requests: 1",
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
	"Accept: application/json", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty",
	"Referer: http://asia.localhost:8082/", "Accept-Encoding: gzip, deflate, br, zstd", "Accept-Language: en-GB,en;q=0.9")

// BenchmarkAnswer is parse, look-up and fill, without the kernel.
func BenchmarkAnswer(b *testing.B) {
	for name, request := range map[string]string{"wrk": get("/a"), "browser": head583} {
		b.Run(name, func(b *testing.B) {
			table := NewTable(1 << 20)
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
			if err != nil {
				b.Fatal(err)
			}
			key, ok := AppendKey(nil, r)
			if !ok {
				b.Fatal("not for the lane")
			}
			h := http.Header{"Age": {"7"}, "Cache-Status": {"ttl=93"}, "Content-Length": {"1024"}}
			table.Put(newAlias(key, 0, 200, h, make([]byte, 1024)))
			in, s := []byte(request), new(answers)
			b.ReportAllocs()
			for b.Loop() {
				if _, v := parse(&s.request, in); v != whole {
					b.Fatal(v)
				}
				s.key = s.request.appendKey(s.key[:0])
				a := table.Get(s.key, 0, 0, epoch)
				s.out = a.appendHead(s.out[:0], epoch)
				s.out = append(s.out, a.Body...)
			}
		})
	}
}

// BenchmarkHit is a hit over loopback, one at a time, client included.
func BenchmarkHit(b *testing.B) {
	for _, lane := range []bool{true, false} {
		for _, size := range []int{1 << 10, 10 << 10, 100 << 10} {
			b.Run(fmt.Sprintf("lane=%v/%dkB", lane, size>>10), func(b *testing.B) {
				s := serve(b, lane, nil)
				target := fmt.Sprint("/size/", size)
				s.warm(b, target)
				c := s.dial(b)
				c.SetDeadline(time.Time{})
				request := []byte(get(target))
				c.Write(request)
				resp, err := http.ReadResponse(c.r, nil)
				if err != nil {
					b.Fatal(err)
				}
				head := 0
				if body, err := io.ReadAll(resp.Body); err == nil {
					var w strings.Builder
					resp.Body = http.NoBody
					fmt.Fprintf(&w, "HTTP/1.1 %s\r\n", resp.Status)
					resp.Header.Write(&w)
					head = w.Len() + 2 + len(body)
				}
				for b.Loop() {
					c.Write(request)
					if _, err := c.r.Discard(head); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
