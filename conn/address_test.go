package conn_test

import (
	"testing"

	"huisclos/chat"
	"huisclos/conn"
)

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]conn.Target{
		"192.168.1.20":             {Host: "192.168.1.20", Port: "7540"},
		"192.168.1.20:80":          {Host: "192.168.1.20", Port: "80"},
		" chat.example ":           {Host: "chat.example", Port: "7540"},
		"chat.example:1":           {Host: "chat.example", Port: "1"},
		"::1":                      {Host: "::1", Port: "7540"},
		"[::1]":                    {Host: "::1", Port: "7540"},
		"[::1]:99":                 {Host: "::1", Port: "99"},
		"[fe80::1%eth0]:99":        {Host: "fe80::1%eth0", Port: "99"},
		"https://chat.example":     {Host: "chat.example", Port: "443", Proxy: "wss://chat.example/tunnel"},
		"https://chat.example/":    {Host: "chat.example", Port: "443", Proxy: "wss://chat.example/tunnel"},
		"HTTP://h:81/a/b":          {Host: "h", Port: "81", Proxy: "ws://h:81/a/b/tunnel"},
		"https://[::1]:444/tunnel": {Host: "::1", Port: "444", Proxy: "wss://[::1]:444/tunnel"},
	} {
		got, err := conn.ParseAddress(in)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", in, got, err)
			continue
		}
		if again, err := conn.ParseAddress(got.String()); err != nil || again != got {
			t.Errorf("%q is written %q, which is read %+v, %v", in, got.String(), again, err)
		}
	}
	for _, in := range []string{
		"", " ", ":7540", "host:", "host:0", "host:65536", "host:http", "a:b:c", "[::1", "[::1]x", "ho st", "user@host", "host/path",
		"ftp://host", "https://", "https://user:pw@host", "https://host?x=1", "https://host#key", "http://host:99999", "huisclos://host/#hc1",
	} {
		if got, err := conn.ParseAddress(in); chat.CodeOf(err) != chat.CodeResolve {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
}
