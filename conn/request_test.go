package conn_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"huisclos/conn"
)

// TestRequestsThatAreNoBeginning: what isn't the beginning of our WebSocket is answered in HTTP, and then it is over.
func TestRequestsThatAreNoBeginning(t *testing.T) {
	h := newHost(t, nil, echo)
	const good = "GET /huisclos HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: a, huisclos.1\r\n"
	for name, c := range map[string]struct {
		request string
		status  int // 0: hung up without an answer
	}{
		"good":                       {good + "\r\n", http.StatusSwitchingProtocols},
		"POST":                       {strings.Replace(good, "GET", "POST", 1) + "\r\n", http.StatusMethodNotAllowed},
		"HTTP/1.0":                   {strings.Replace(good, "HTTP/1.1", "HTTP/1.0", 1) + "\r\n", http.StatusMethodNotAllowed},
		"no upgrade":                 {"GET /huisclos HTTP/1.1\r\nHost: x\r\n\r\n", http.StatusUpgradeRequired},
		"another upgrade":            {strings.Replace(good, "WebSocket\r", "h2c\r", 1) + "\r\n", http.StatusUpgradeRequired},
		"another version":            {strings.Replace(good, ": 13", ": 8", 1) + "\r\n", http.StatusUpgradeRequired},
		"a short nonce":              {strings.Replace(good, "AAAAAAAA", "", 1) + "\r\n", http.StatusBadRequest},
		"another subprotocol":        {strings.Replace(good, "huisclos.1", "huisclos.2", 1) + "\r\n", http.StatusBadRequest},
		"frames before the answer":   {good + "\r\n\x82\x80aaaa", http.StatusBadRequest},
		"elsewhere":                  {"GET /chat HTTP/1.1\r\nHost: x\r\n\r\n", http.StatusNotFound},
		"elsewhere, with a body":     {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", http.StatusNotFound},
		"not HTTP":                   {"EHLO mail.example\r\n\r\n", http.StatusBadRequest},
		"the old protocol of no one": {"\x00\x01\x02\x03\r\n\r\n", http.StatusBadRequest},
		"an endless header":          {good + "X: " + strings.Repeat("x", 9000) + "\r\n\r\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := tls.Dial("tcp", h.address, &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			_, _ = io.WriteString(s, c.request)
			br := bufio.NewReader(s)
			resp, err := http.ReadResponse(br, nil)
			if c.status == 0 {
				if err == nil && resp.StatusCode < 400 {
					t.Fatal(resp.Status)
				}
				return
			}
			if err != nil || resp.StatusCode != c.status {
				t.Fatal(resp, err)
			}
			if c.status == http.StatusSwitchingProtocols {
				if a := resp.Header.Get("Sec-WebSocket-Accept"); a != "ICX+Yqv66kxgM0FcWaLWlFLwTAI=" {
					t.Fatal(a)
				}
				return
			}
			if _, err := io.ReadAll(br); err != nil {
				t.Fatal("not ended in order:", err)
			}
		})
	}
}

// FuzzParseAddress: what is accepted is written so that it is read as the same.
func FuzzParseAddress(f *testing.F) {
	if seeds, err := os.ReadDir("testdata/fuzz/FuzzParseAddress"); err != nil || len(seeds) == 0 {
		f.Fatal("no seeds: ", err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := conn.ParseAddress(s)
		if err != nil {
			return
		}
		if b, err := conn.ParseAddress(a.String()); err != nil || a != b {
			t.Fatalf("%q: %+v, written %q, read %+v, %v", s, a, a.String(), b, err)
		}
	})
}
