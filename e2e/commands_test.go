package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// commands of scripts:
//
//	serve NAME [ARG…]          start "huisclos serve" in the background; sets $NAME_addr, $NAME_key, $NAME_link
//	lying NAME [ARG…]          the same with "hostile serve", which tells lies as its input says
//	bg NAME PROGRAM [ARG…]     start a program in the background
//	pty NAME PROGRAM [ARG…]    the same on a terminal of 100 columns and 40 rows
//	tell NAME TEXT             write a line to it; on a terminal, type it and Enter
//	keys NAME TEXT             type without Enter; Go's escapes count
//	eof NAME                   close its input
//	until NAME REGEXP          wait until it shows that; the first group becomes $match
//	rings NAME N               wait until a terminal has rung N times, and no more
//	never NAME REGEXP          it doesn't show that now
//	signal NAME TERM|INT|HUP|KILL
//	ends NAME CODE             wait for its end with that exit code
//	exits CODE PROGRAM [ARG…]  run it and look at its exit code; stdout and stderr as after exec
//	lines FILE N TEXT          make a file of N numbered lines
//	var NAME FILE              set a variable to what a file says
//	flip FILE                  change one bit in the middle of a file
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"serve": serve, "lying": lying, "bg": background, "pty": terminal, "tell": tell, "keys": typeKeys, "eof": eof, "until": until, "never": never,
		"signal": signal, "ends": ends, "exits": exits, "lines": lines, "flip": flip, "rings": rings, "var": variable,
	}
}

func check(ts *testscript.TestScript, neg bool, args []string, least int) {
	if neg {
		ts.Fatalf("this command can't be negated")
	}
	if len(args) < least {
		ts.Fatalf("%d words at least", least)
	}
}

func all(ts *testscript.TestScript) map[string]*process {
	return ts.Value(processes{}).(map[string]*process)
}

func named(ts *testscript.TestScript, name string) *process {
	p := all(ts)[name]
	if p == nil {
		ts.Fatalf("no process %s", name)
	}
	return p
}

// command makes a program with the script's environment.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	path := args[0]
	if !strings.ContainsRune(path, '/') {
		for dir := range strings.SplitSeq(ts.Getenv("PATH"), ":") {
			if _, err := os.Stat(dir + "/" + path); err == nil {
				path = dir + "/" + path
				break
			}
		}
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{
		"PATH", "HOME", "HUISCLOS_HOME", "HUISCLOS_KEYRING", "HUISCLOS_LINK", "HUISCLOS_KEY", "HUISCLOS_NAME", "HUISCLOS_LINK_FILE", "HUISCLOS_NO_LAN",
		"HUISCLOS_DATA", "XDG_RUNTIME_DIR", "LANG", "LC_ALL", "TERM", "NO_COLOR", "TMPDIR", "HUISCLOS_DEBUG",
	} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

func add(ts *testscript.TestScript, name string, p *process, err error) {
	ts.Check(err)
	if old := all(ts)[name]; old != nil {
		old.end()
	}
	all(ts)[name] = p
}

func background(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 2)
	p, err := start(command(ts, args[1:]))
	add(ts, args[0], p, err)
}

func terminal(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 2)
	p, err := startTerminal(command(ts, args[1:]), 100, 40)
	add(ts, args[0], p, err)
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 1)
	name := args[0]
	words := []string{"huisclos", "serve", "--print-key", "--no-lan"}
	if !slices.Contains(args, "--listen") {
		words = append(words, "--listen", "127.0.0.1:0")
	}
	listening(ts, name, append(words, args[1:]...))
}

func lying(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 1)
	listening(ts, args[0], append([]string{"hostile", "serve"}, args[1:]...))
}

// listening starts a server, and sets what it says of itself.
func listening(ts *testscript.TestScript, name string, words []string) {
	p, err := start(command(ts, words))
	add(ts, name, p, err)
	m, err := p.until(regexp.MustCompile(`(?m)^listening (\S+)$`))
	ts.Check(err)
	ts.Setenv(name+"_addr", m[1])
	ts.Setenv(name+"_port", m[1][strings.LastIndexByte(m[1], ':')+1:])
	p.mu.Lock()
	text := p.out.String()
	p.mu.Unlock()
	for _, what := range []string{"key", "link"} {
		value := ""
		if m := regexp.MustCompile(`(?m)^` + what + ` (\S+)$`).FindStringSubmatch(text); m != nil {
			value = m[1]
		}
		ts.Setenv(name+"_"+what, value)
	}
}

func tell(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 2)
	p := named(ts, args[0])
	end := "\n"
	if p.screen != nil {
		end = "\r"
	}
	_, err := io.WriteString(p.in, strings.Join(args[1:], " ")+end)
	ts.Check(err)
}

func typeKeys(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 2)
	text, err := strconv.Unquote(`"` + strings.Join(args[1:], " ") + `"`)
	ts.Check(err)
	_, err = io.WriteString(named(ts, args[0]).in, text)
	ts.Check(err)
}

func eof(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 1)
	ts.Check(named(ts, args[0]).in.Close())
}

func until(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 2)
	pattern, err := regexp.Compile("(?m)" + strings.Join(args[1:], " "))
	ts.Check(err)
	m, err := named(ts, args[0]).until(pattern)
	if err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	if len(m) > 1 {
		ts.Setenv("match", m[1])
	}
}

func never(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 2)
	pattern, err := regexp.Compile("(?m)" + strings.Join(args[1:], " "))
	ts.Check(err)
	p := named(ts, args[0])
	p.mu.Lock()
	defer p.mu.Unlock()
	if text := p.shows(); pattern.MatchString(text) {
		ts.Fatalf("%s shows %q:\n%s", args[0], pattern, text)
	}
}

func signal(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 2)
	s, ok := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}[args[1]]
	if !ok {
		ts.Fatalf("no signal %s", args[1])
	}
	p := named(ts, args[0])
	ts.Check(p.signal(s))
	if s == syscall.SIGKILL {
		_, err := p.finish()
		ts.Check(err)
	}
}

func ends(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 2)
	p := named(ts, args[0])
	code, err := p.finish()
	if err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	if strconv.Itoa(code) != args[1] {
		p.mu.Lock()
		defer p.mu.Unlock()
		ts.Fatalf("%s ended with %d, not %s; it showed:\n%s", args[0], code, args[1], p.shows())
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 2)
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%s ended with %d, not %s", args[1], code, args[0])
	}
}

func lines(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 3)
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s %d\n", strings.Join(args[2:], " "), i+1)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}

func flip(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 1)
	matches, err := globOne(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := os.ReadFile(matches)
	ts.Check(err)
	b[len(b)/2] ^= 1
	ts.Check(os.WriteFile(matches, b, 0o600))
}

func variable(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 2)
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

func rings(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, args, 2)
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	got, err := named(ts, args[0]).rings(n)
	ts.Check(err)
	if got != n {
		ts.Fatalf("%s has rung %d times", args[0], got)
	}
}
