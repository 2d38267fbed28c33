package config

import (
	"os"
	"strings"

	"github.com/spf13/pflag"

	"huisclos/chat"
)

// Client is what a person's program is told by flags and the environment (HUISCLOS_HOME,
// HUISCLOS_LINK, HUISCLOS_LINK_FILE, HUISCLOS_KEY, HUISCLOS_NAME, HUISCLOS_NO_LAN, …).
//
// Link and Key hold secrets: they are handed to package keys and never printed.
type Client struct {
	Home     string // folder of the profiles, absolute: Home
	Link     string
	LinkFile string // a file that holds a link; "-" is standard input
	Key      string
	Name     string
	LAN      bool // look for servers on the local network
}

// BindClient adds the flags of a client to fs: --link, --link-file, --key, --name, --no-lan.
// After fs is parsed, Load fills in what the environment says.
func BindClient(fs *pflag.FlagSet) *Client {
	c := &Client{LAN: true}
	fs.StringVar(&c.Link, "link", "", "")
	fs.StringVar(&c.LinkFile, "link-file", "", "")
	fs.StringVar(&c.Key, "key", "", "")
	fs.StringVar(&c.Name, "name", "", "")
	fs.VarPF(&negated{&c.LAN}, "no-lan", "", "").NoOptDefVal = "true"
	return c
}

// Load completes c. CodeSettingValue for a variable that can't be read.
func (c *Client) Load(fs *pflag.FlagSet) error {
	home, err := Home()
	if err != nil {
		return err
	}
	c.Home = home
	for _, name := range []string{"link", "link-file", "key", "name", "no-lan"} {
		f := fs.Lookup(name)
		variable := prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		value := os.Getenv(variable)
		if f == nil || f.Changed || value == "" {
			continue
		}
		if err := f.Value.Set(value); err != nil {
			return chat.Errorf(chat.CodeSettingValue, "name", variable, "value", value)
		}
	}
	return nil
}
