package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

//go:embed peers-mls.md
var mlsPeers string

// mlsOperation is a benchmark of package mls, its budget, and what the peers' table calls it.
type mlsOperation struct {
	benchmark, what, peer string
	most                  float64 // times the floor; 0: for comparison only
	everywhere            bool    // the budget holds for every number of members, not for 1,000 alone
}

func mlsOperations() []mlsOperation {
	return []mlsOperation{
		{benchmark: "Create", what: "create, with the Welcome", peer: "create_batch", most: 1.3},
		{benchmark: "Join", what: "join", peer: "join_batch", most: 1.3},
		{benchmark: "JoinWarm", what: "join, warm", peer: "join_warm", most: 1.3},
		{benchmark: "ColdCommit", what: "commit, cold", peer: "commit_cold"},
		{benchmark: "ProcessCold", what: "process, cold", peer: "process_cold"},
		{benchmark: "WarmCommit", what: "commit, warm", peer: "commit_warm", most: 1.5},
		{benchmark: "ProcessWarm", what: "process, warm", peer: "process_warm", most: 1.5},
		{benchmark: "AddOne", what: "add one, warm", peer: "add_one_warm"},
		{benchmark: "Protect256", what: "protect 256 bytes", peer: "app_protect_256", most: 1.3, everywhere: true},
		{benchmark: "Unprotect256", what: "unprotect 256 bytes", peer: "app_unprotect_256", most: 1.3, everywhere: true},
	}
}

// mlsKey says which measurement of an operation.
type mlsKey struct {
	benchmark, suite string
	members          int
}

// mlsFigures are what a benchmark reports, by unit.
type mlsFigures map[string]float64

// measureMLS runs the benchmarks of package mls, which time each operation and its floor in turns, and prints one table.
func measureMLS(quick bool) error {
	rounds := "40x"
	if quick {
		rounds = "5x"
	}
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", ".", "-benchtime", rounds, "-timeout", "30m", "./mls") //nolint:gosec // ours
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", out, err)
	}
	figures := parseMLS(string(out))
	fmt.Println("| operation | members | suite | measured | floor | ratio | budget | mlspp | ts-mls |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	missed := 0
	for _, o := range mlsOperations() {
		for _, suite := range []string{"0001", "F002"} {
			for _, n := range []int{10, 100, 1000, 5000} {
				f, ok := figures[mlsKey{o.benchmark, suite, n}]
				if !ok {
					continue
				}
				w := row{ratio: f["x/floor"]}
				if o.everywhere || n == 1000 {
					w.most = o.most
				}
				if !w.met() {
					missed++
				}
				mlspp, ts := mlsPeer(o.peer, suite, n)
				fmt.Printf("| %s | %d | %s | %s | %s | %.2f | %s | %s | %s |\n", o.what, n, suite, duration(f["µs"]), duration(f["µs-floor"]), w.ratio, w.bound(), mlspp, ts)
			}
		}
	}
	for _, w := range mlsGrowth(figures) {
		fmt.Printf("| %s | | | %s | %s | %.2f | %s | | |\n", w.what, w.ours, w.yardstick, w.ratio, w.bound())
		if !w.met() {
			missed++
		}
	}
	note, _, _ := strings.Cut(mlsPeers, "\n\n") // their table stands beside ours already
	fmt.Printf("\n%s\n", note)
	if missed > 0 {
		fmt.Printf("\n%d over budget.\n", missed)
	}
	return nil
}

// mlsGrowth are the ratios between groups of different sizes, and the memory.
func mlsGrowth(figures map[mlsKey]mlsFigures) []row {
	between := func(what, benchmark string, most float64) row {
		f := figures[mlsKey{benchmark, "0001", 5000}]
		return row{what: what + ": 5,000 members beside 100, in turns", ours: duration(f["µs"]), yardstick: duration(f["µs-100"]), ratio: f["x/100"], most: most}
	}
	m := figures[mlsKey{"Memory", "F002", 1000}]
	return []row{
		between("commit, warm", "GrowthCommit", 2),
		between("process, warm", "GrowthProcess", 2),
		between("protect", "GrowthProtect", 1.1),
		between("unprotect", "GrowthUnprotect", 1.1),
		{what: "memory of a joined group of 1,000, F002, beside its serialised tree", ours: fmt.Sprintf("%.2f MB", m["x/tree"]*m["bytes-tree"]/1e6),
			yardstick: fmt.Sprintf("%.2f MB", m["bytes-tree"]/1e6), ratio: m["x/tree"], most: 2},
	}
}

// parseMLS reads the output of go test.
func parseMLS(out string) map[mlsKey]mlsFigures {
	figures := map[mlsKey]mlsFigures{}
	line := regexp.MustCompile(`Benchmark(\w+)/suite=(\w+)/members=(\d+)(?:-\d+)?\s+\d+\s+(.*)`)
	for _, m := range line.FindAllStringSubmatch(out, -1) {
		n, _ := strconv.Atoi(m[3])
		f := mlsFigures{}
		fields := strings.Fields(m[4])
		for i := 0; i+1 < len(fields); i += 2 {
			f[fields[i+1]], _ = strconv.ParseFloat(fields[i], 64)
		}
		figures[mlsKey{m[1], m[2], n}] = f
	}
	return figures
}

// mlsPeer finds the peers' figures for an operation.
func mlsPeer(operation, suite string, n int) (mlspp, ts string) {
	for _, l := range strings.Split(mlsPeers, "\n") {
		c := strings.Split(strings.Trim(l, "| "), " | ")
		if len(c) != 6 || c[0] != operation || c[1] != strconv.Itoa(n) {
			continue
		}
		time := func(s string) string { s, _, _ = strings.Cut(s, " /"); return s }
		if suite == "F002" {
			return time(c[4]), time(c[5])
		}
		return time(c[2]), time(c[3])
	}
	return "–", "–"
}

func duration(µs float64) string {
	if µs < 1000 {
		return fmt.Sprintf("%.1f µs", µs)
	}
	return fmt.Sprintf("%.2f ms", µs/1000)
}
