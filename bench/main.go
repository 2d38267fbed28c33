package main

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed peers.md
var peers string

// budget is one line of the table.
type budget struct {
	name string
	run  func(*run) ([]row, error)
}

// row is one measurement beside its yardstick.
type row struct {
	what            string
	ours, yardstick string
	ratio, most     float64 // ratio 0: none; most 0: for comparison only
	least           bool    // the ratio must be at least most
	note            string
}

// run is what all measurements share.
type run struct {
	quick  bool
	dir    string
	binary string // huisclos
	self   string // this program, for the yardsticks
	pin    bool   // taskset is there
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "yardstick" {
		fmt.Fprintln(os.Stderr, yardstick(os.Args[2:])) // it serves until it is ended
		os.Exit(1)
	}
	quick := flag.Bool("quick", false, "a tenth of the work")
	only := flag.String("only", "", "comma-separated names: start,keyroom,join,code,room,durable,memory,fanout,latency")
	binary := flag.String("binary", "", "the huisclos to measure; built when empty")
	mls := flag.Bool("mls", false, "package mls beside the floor of its primitives, and nothing else")
	flag.Parse()
	if *mls {
		if err := measureMLS(*quick); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := measure(*quick, *only, *binary); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(quick bool, only, binary string) error {
	dir, err := os.MkdirTemp("", "huisclos-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := &run{quick: quick, dir: dir, binary: binary}
	if r.self, err = os.Executable(); err != nil {
		return err
	}
	if r.binary == "" {
		r.binary = filepath.Join(dir, "huisclos")
		build := exec.Command("go", "build", "-o", r.binary, "./cmd/huisclos")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("building huisclos (run this from the project's folder): %w", err)
		}
	}
	if err := r.pinSelf(); err != nil {
		return err
	}
	fmt.Println("| what | Huisclos | yardstick | ratio | budget | |")
	fmt.Println("|---|---|---|---|---|---|")
	failed := 0
	for _, b := range budgets() {
		if only != "" && !strings.Contains(","+only+",", ","+b.name+",") {
			continue
		}
		start := time.Now()
		rows, err := b.run(r)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		for _, w := range rows {
			fmt.Println(w)
			if !w.met() {
				failed++
			}
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", b.name, time.Since(start).Round(time.Second))
	}
	fmt.Println()
	fmt.Print(peers)
	if failed > 0 {
		fmt.Printf("\n%d over budget.\n", failed)
	}
	return nil
}

func budgets() []budget {
	return []budget{
		{name: "start", run: start},
		{name: "keyroom", run: keyRoom},
		{name: "join", run: join},
		{name: "code", run: code},
		{name: "room", run: roomJoin},
		{name: "durable", run: durable},
		{name: "memory", run: memory},
		{name: "fanout", run: fanout},
		{name: "latency", run: latency},
	}
}

func (w row) met() bool {
	switch {
	case w.most == 0:
		return true
	case w.least:
		return w.ratio >= w.most
	}
	return w.ratio <= w.most
}

// String is the row in Markdown.
func (w row) String() string {
	ratio := ""
	if w.ratio > 0 {
		ratio = fmt.Sprintf("%.2f", w.ratio)
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |", w.what, w.ours, w.yardstick, ratio, w.bound(), w.note)
}

// bound is the budget, and whether it is met.
func (w row) bound() string {
	if w.most == 0 {
		return ""
	}
	sign, mark := "≤", "✓"
	if w.least {
		sign = "≥"
	}
	if !w.met() {
		mark = "✗"
	}
	return fmt.Sprintf("%s %.4g %s", sign, w.most, mark)
}

// scale is n, or a tenth of it in a quick run.
func (r *run) scale(n int) int {
	if r.quick {
		return max(1, n/10)
	}
	return n
}
