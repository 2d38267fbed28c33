// Command huisclosd is the server alone, for containers and for servers that never know their key. It links neither the cipher of the
// rooms nor the shared key nor a client: internal/arch proves it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"huisclos/access"
	"huisclos/admin"
	"huisclos/admin/console"
	"huisclos/chat"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/internal/daemon"
	"huisclos/internal/i18n"
	"huisclos/internal/version"
	"huisclos/server"
	"huisclos/store"
)

func main() { os.Exit(run(os.Args[1:])) }

// app is one run of the program.
type app struct {
	words *i18n.Printer
	lang  string
}

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{words: i18n.For(config.Language(cli.LangFlag(args)))}
	root := &cobra.Command{
		Use: "huisclosd", Args: cli.Group(admin.Nearest), RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.PersistentFlags().StringVar(&a.lang, "lang", "", "")
	root.AddCommand(a.init(), a.serve(), a.health(), a.version())
	cli.Program{Words: a.words, Text: "huisclosd.", Width: cli.Width(os.Stdout)}.Localize(root)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	text, hint := a.words.Error(err)
	fmt.Fprintln(os.Stderr, text)
	if hint != "" {
		fmt.Fprintln(os.Stderr, hint)
	}
	return chat.CodeOf(err).Class().ExitCode()
}

// init makes a data folder with an identity, and prints it, so that a member can make the key.
func (a *app) init() *cobra.Command {
	c := &cobra.Command{Use: "init", Args: cli.Between(0, 0)}
	data := c.Flags().String("data", os.Getenv("HUISCLOS_DATA"), "")
	c.RunE = func(*cobra.Command, []string) error {
		if *data == "" {
			return chat.Errorf(chat.CodeUsage, "reason", "words", "detail", "huisclosd init --data DIR")
		}
		s, err := store.Open(*data, store.Options{})
		if err != nil {
			return err
		}
		identity, err := server.LoadIdentity(*data)
		if err = errors.Join(err, s.Close()); err != nil {
			return err
		}
		_, err = fmt.Println(access.FormatServer(identity.Fingerprint()))
		return err
	}
	return c
}

// serve runs the server until a signal or "quit".
func (a *app) serve() *cobra.Command {
	c := &cobra.Command{Use: "serve", Args: cli.Between(0, 0)}
	s := config.BindServer(c.Flags())
	for _, unused := range []string{"print-key"} {
		_ = c.Flags().MarkHidden(unused)
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := s.Load(c.Flags()); err != nil {
			return err
		}
		if a.lang == "" && s.Lang != "" {
			a.words = i18n.For(s.Lang)
		}
		return a.runServer(c.Context(), s)
	}
	return c
}

func (a *app) runServer(ctx context.Context, s *config.Server) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.Level(s.LogLevel)}))
	d, err := daemon.Start(ctx, daemon.Options{Config: s, Software: "huisclosd/" + version.Number, Log: log})
	if err != nil {
		return err
	}
	_, err = io.WriteString(os.Stdout, "listening "+d.Addr().String()+"\nserver "+access.FormatServer(d.Fingerprint())+"\n")
	if d.Generation() == 0 {
		fmt.Fprintln(os.Stderr, a.words.T("huisclosd.nokey", "server", access.FormatServer(d.Fingerprint())))
	}
	hups := make(chan os.Signal, 1)
	signal.Notify(hups, syscall.SIGHUP)
	defer signal.Stop(hups)
	for err == nil {
		select {
		case <-hups:
			if e := d.Reload(ctx); e != nil {
				fmt.Fprintln(os.Stderr, strings.Join(console.Error(a.words, console.InShell, e), "\n"))
			}
			continue
		case <-d.Ended():
		case <-ctx.Done():
		}
		break
	}
	return errors.Join(err, d.Shutdown(ctx))
}

// health is for supervisors.
func (a *app) health() *cobra.Command {
	c := &cobra.Command{Use: "health", Args: cli.Between(0, 0)}
	data := c.Flags().String("data", os.Getenv("HUISCLOS_DATA"), "")
	socket := c.Flags().String("socket", "", "")
	c.RunE = func(c *cobra.Command, _ []string) error {
		path := *socket
		if path == "" {
			if *data == "" {
				return chat.Errorf(chat.CodeUsage, "reason", "words", "detail", "huisclosd health --data DIR | --socket PATH")
			}
			var err error
			if path, err = config.DataSocket(*data); err != nil {
				return err
			}
		}
		client, err := admin.Dial(c.Context(), path)
		if err != nil {
			return err
		}
		defer client.Close()
		if _, err := client.Do(c.Context(), admin.Request{Verb: admin.VerbStats}); err != nil {
			return err
		}
		_, err = fmt.Println("ok")
		return err
	}
	return c
}

func (a *app) version() *cobra.Command {
	return &cobra.Command{Use: "version", Args: cli.Between(0, 0), RunE: func(*cobra.Command, []string) error {
		_, err := fmt.Println("huisclosd", version.Number, version.Revision())
		return err
	}}
}
