// Command mallory is an attacker who speaks the protocol: a member with bad manners, a stranger at the door, a thief with a recording. It prints
// what the server answers, one code a line, for the scripts of e2e to judge. It attacks the loopback only.
//
//	mallory ATTACK LINK [ARG…]
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"huisclos/chat"
	"huisclos/keys"
)

// attack is one of them. It prints what came of it.
type attack func(ctx context.Context, link keys.Link, args []string) error

func attacks() map[string]attack {
	return map[string]attack{
		"silent": silent, "guess": guess, "codes": codes, "links": links, "replay": replay, "relay": relay, "before": before, "after": after, "message": message, "flood": flood, "refill": refill,
	}
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mallory:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: mallory ATTACK LINK [ARG…]")
	}
	do, ok := attacks()[args[0]]
	if !ok {
		return fmt.Errorf("no attack %q", args[0])
	}
	link, err := keys.ParseLink(args[1])
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(link.Address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return errors.New("the loopback only")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return do(ctx, link, args[2:])
}

// silent opens connections that say nothing, says "ready", and holds them until its input ends.
func silent(_ context.Context, link keys.Link, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var held []net.Conn
	opened := 0
	for range n {
		c, err := net.DialTimeout("tcp", link.Address, 5*time.Second)
		if err != nil {
			continue // refused is an answer too
		}
		mu.Lock()
		held = append(held, c)
		mu.Unlock()
		opened++
	}
	fmt.Println("ready", opened)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	for _, c := range held {
		_ = c.Close()
	}
	return nil
}

// guess tries wrong keys of this server and counts the answers.
func guess(ctx context.Context, link keys.Link, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	var mu sync.Mutex
	answers := map[string]int{}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			g := newGuest(keys.Link{Address: link.Address, Key: keys.New(link.Key.Server())}, fmt.Sprintf("guess%d", i))
			err := g.login(ctx)
			mu.Lock()
			defer mu.Unlock()
			answers[code(err)]++
			g.close()
		})
	}
	wg.Wait()
	for _, c := range slices.Sorted(mapKeys(answers)) {
		fmt.Println(c, answers[c])
	}
	return nil
}

func mapKeys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// code is what a server answered: a code, "closed", or "ok".
func code(err error) string {
	var own *chat.Error
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &own):
		return string(own.Code)
	case strings.Contains(err.Error(), "EOF"):
		return "closed"
	}
	return err.Error()
}
