package config

import (
	"errors"
	"testing"

	"github.com/spf13/pflag"

	"huisclos/chat"
)

func TestTheClientTakesFlagsOverTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	for name, value := range map[string]string{
		"HUISCLOS_HOME": dir, "HUISCLOS_LINK": "huisclos://a", "HUISCLOS_KEY": "hc1x",
		"HUISCLOS_NAME": "alice", "HUISCLOS_LINK_FILE": "f", "HUISCLOS_NO_LAN": "true",
	} {
		t.Setenv(name, value)
	}
	fs := pflag.NewFlagSet("join", pflag.ContinueOnError)
	c := BindClient(fs)
	if err := fs.Parse([]string{"--name", "bob"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Load(fs); err != nil {
		t.Fatal(err)
	}
	if want := (Client{Home: dir, Link: "huisclos://a", LinkFile: "f", Key: "hc1x", Name: "bob"}); *c != want {
		t.Fatalf("got %+v, want %+v", *c, want)
	}
}

func TestABadSwitchInTheEnvironmentIsNamed(t *testing.T) {
	t.Setenv("HUISCLOS_HOME", t.TempDir())
	t.Setenv("HUISCLOS_NO_LAN", "perhaps")
	fs := pflag.NewFlagSet("join", pflag.ContinueOnError)
	if err := BindClient(fs).Load(fs); !errors.Is(err, chat.CodeSettingValue) {
		t.Fatalf("got %v", err)
	}
}
