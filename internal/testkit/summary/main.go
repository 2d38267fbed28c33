// Command summary reads "go test -json" and prints what failed, what was skipped and why, the slow packages, and at last one
// line: "N passed, N failed, N skipped".
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// event is one line of test2json.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
	ImportPath                    string
}

func main() {
	outputs := map[string][]string{} // by package and test
	var passed, failed, skipped int
	var notes []string
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 16<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Println(in.Text())
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			fmt.Print(e.Output)
		case "output":
			outputs[key] = append(outputs[key], e.Output)
			continue
		case "pass", "fail", "skip":
		default:
			continue
		}
		switch {
		case e.Test == "" && e.Action == "fail":
			fmt.Printf("--- FAIL: %s\n%s", e.Package, strings.Join(outputs[key], ""))
			if len(outputs[key]) < 4 { // it didn't build, or a test failed, which is told
				failed += boolToInt(!slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, "FAIL "+e.Package+" ") }))
			}
		case e.Test == "" && e.Action == "pass" && e.Elapsed > 20:
			fmt.Printf("    %s: %.0f s\n", e.Package, e.Elapsed)
		case e.Test == "":
		case e.Action == "pass":
			passed++
		case e.Action == "fail":
			failed++
			notes = append(notes, "FAIL "+key)
			fmt.Printf("--- FAIL: %s\n%s", key, strings.Join(outputs[key], ""))
		case e.Action == "skip":
			skipped++
			fmt.Printf("--- SKIP: %s\n%s", key, strings.Join(outputs[key], ""))
		}
		delete(outputs, key)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed > 0 || in.Err() != nil {
		os.Exit(1)
	}
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
