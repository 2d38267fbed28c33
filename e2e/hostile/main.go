// Command hostile is a server and a member that mean ill, made of the product's own packages, for the scripts of e2e. The product has no
// switch that makes it do any of this. It listens on, and speaks to, the loopback only.
//
//	hostile serve [--lookalikes]     a server that lies as its input tells it (lies.go)
//	hostile member LINK NAME         a member who knows all that a member knows, and does as its input tells it (attacks.go)
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"huisclos/chat"
	"huisclos/keys"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: hostile serve [--lookalikes] | hostile member LINK NAME")

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "serve", len(args) == 2 && args[0] == "serve" && args[1] == "--lookalikes":
		s, err := newLiar(ctx, len(args) == 2)
		if err != nil {
			return err
		}
		return obey(ctx, s.lies(), s.close)
	case len(args) == 3 && args[0] == "member":
		link, err := keys.ParseLink(args[1])
		if err != nil {
			return err
		}
		host, _, err := net.SplitHostPort(link.Address)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			return errors.New("the loopback only")
		}
		m, err := newMember(ctx, link, args[2])
		if err != nil {
			return errors.New(code(err))
		}
		return obey(ctx, m.attacks(), m.close)
	}
	return errUsage
}

// command is one of the input's: it gets its words, and says what came of it.
type command func(ctx context.Context, args []string) (string, error)

// obey carries out the commands of the input, one a line, and prints "NAME: what came of it" for each.
func obey(ctx context.Context, commands map[string]command, end func()) error {
	defer end()
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	for {
		select {
		case l, ok := <-lines:
			if !ok || l == "quit" {
				return nil
			}
			words := strings.Fields(l)
			if len(words) == 0 {
				continue
			}
			do := commands[words[0]]
			if do == nil {
				return fmt.Errorf("no command %q", words[0])
			}
			said, err := do(ctx, words[1:])
			if err != nil {
				said = code(err)
			}
			fmt.Println(l+":", said)
		case <-ctx.Done():
			return nil
		}
	}
}

// code is an error as scripts judge it.
func code(err error) string {
	var own *chat.Error
	if errors.As(err, &own) {
		return string(own.Code)
	}
	return err.Error()
}
