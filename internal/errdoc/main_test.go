package main

import (
	"os"
	"strings"
	"testing"

	"huisclos/chat"
)

func TestThePageIsNew(t *testing.T) {
	have, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != page() {
		t.Error("docs/errors.md is old: go run ./internal/errdoc")
	}
	for _, code := range chat.Codes() {
		if !strings.Contains(string(have), "| `"+string(code)+"` |") {
			t.Errorf("%s isn't on the page", code)
		}
	}
	if strings.Contains(string(have), "{{") || strings.Contains(string(have), `| \<`+"no value") {
		t.Error("a parameter wasn't filled in")
	}
}
