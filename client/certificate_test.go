package client_test

import (
	"testing"

	"huisclos/trust"
)

func parse(t testing.TB, raw []byte) trust.Certificate {
	t.Helper()
	c, err := trust.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
