package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/pflag"

	"huisclos/chat"
)

// Server is how a server is to run. The names in TOML are those of the flags, with "_" for "-".
type Server struct {
	Listen            string `toml:"listen"`              // HOST:PORT or :PORT; port 0 takes a free one
	Data              string `toml:"data"`                // folder; empty: all in memory
	Restored          bool   `toml:"-"`                   // Data is a backup that was put back: for this one start
	RefillHold        Age    `toml:"refill_hold"`         // how long a room of a restored server waits for members; at least a second
	PrintKey          bool   `toml:"print_key"`           // print the key even when the output is not a terminal
	AccessPublic      string `toml:"access_public"`       // hcp1…: the key was made elsewhere and is never known here
	Domain            string `toml:"domain"`              // host name for links; needs Cert and CertKey
	Cert              string `toml:"cert"`                // PEM file: certificate chain
	CertKey           string `toml:"cert_key"`            // PEM file: its private key
	AllowClassicalTLS bool   `toml:"allow_classical_tls"` // also clients without X25519MLKEM768
	ProxyListen       string `toml:"proxy_listen"`        // plain HTTP for a reverse proxy; empty: none
	LAN               bool   `toml:"lan"`                 // answer searches on the local network
	Lang              string `toml:"lang"`
	LogLevel          Level  `toml:"log_level"`
	AdminSocket       string `toml:"admin_socket"` // empty: DataSocket or PortSocket; "none": no socket
	// Live may change while the server runs: Reload.
	Live

	file  string            // --config
	flags map[string]string // what was said by flags and the environment, over the file
}

// Live is the part of Server that a running server takes over on a reload.
type Live struct {
	Limits    Limits    `toml:"limits"`
	Retention Retention `toml:"retention"`
}

// Limits bounds what one person, one address and everyone together may take.
type Limits struct {
	Message              Size `toml:"message"`                 // one envelope, bytes
	Commit               Size `toml:"commit"`                  // what changes a private room, bytes
	Rate                 int  `toml:"rate"`                    // messages a second for each account; 0: unlimited
	Burst                int  `toml:"burst"`                   // messages at once
	Rooms                int  `toml:"rooms"`                   // key rooms on this server
	PrivateRooms         int  `toml:"private_rooms"`           // on this server
	Connections          int  `toml:"connections"`             // on this server
	AddressConnections   int  `toml:"connections_per_address"` // 0: unlimited
	AddressLoginsAMinute int  `toml:"logins_per_address"`      // a minute; 0: unlimited
}

// Retention says how long messages stay; 0 is for ever. Rooms overrides it by name.
type Retention struct {
	Age   Age             `toml:"age"`
	Size  Size            `toml:"size"` // of each room's messages
	Rooms map[string]Keep `toml:"rooms"`
}

// Keep is one room's own retention.
type Keep struct {
	Age  Age  `toml:"age"`
	Size Size `toml:"size"`
}

// DefaultServer is a server with nothing said about it.
func DefaultServer() Server {
	return Server{
		Listen: ":" + strconv.Itoa(chat.DefaultPort),
		LAN:    true,

		RefillHold: Age(2 * time.Minute),
		Live: Live{Limits: Limits{
			Message: 64 << 10, Commit: maxCommit, Rate: 200, Burst: 10000, Rooms: 1000, PrivateRooms: 20000,
			Connections: 20000, AddressConnections: 0, AddressLoginsAMinute: 600,
		}},
	}
}

// prefix begins the environment variable of every flag: --data is HUISCLOS_DATA.
const prefix = "HUISCLOS_"

// BindServer adds the flags of a server to fs. After fs is parsed, Load makes s whole.
func BindServer(fs *pflag.FlagSet) *Server {
	s := DefaultServer()
	bind(fs, &s)
	return &s
}

func bind(fs *pflag.FlagSet, s *Server) {
	fs.StringVar(&s.Listen, "listen", s.Listen, "")
	fs.StringVar(&s.Data, "data", s.Data, "")
	fs.BoolVar(&s.Restored, "restored", s.Restored, "")
	fs.Var(&s.RefillHold, "refill-hold", "")
	fs.BoolVar(&s.PrintKey, "print-key", s.PrintKey, "")
	fs.StringVar(&s.AccessPublic, "access-public", s.AccessPublic, "")
	fs.StringVar(&s.Domain, "domain", s.Domain, "")
	fs.StringVar(&s.Cert, "cert", s.Cert, "")
	fs.StringVar(&s.CertKey, "cert-key", s.CertKey, "")
	fs.BoolVar(&s.AllowClassicalTLS, "allow-classical-tls", s.AllowClassicalTLS, "")
	fs.StringVar(&s.ProxyListen, "proxy-listen", s.ProxyListen, "")
	fs.VarPF(&negated{&s.LAN}, "no-lan", "", "").NoOptDefVal = "true"
	fs.Var(&s.LogLevel, "log-level", "")
	fs.StringVar(&s.AdminSocket, "admin-socket", s.AdminSocket, "")
	fs.Var(&s.Limits.Message, "max-message", "")
	fs.IntVar(&s.Limits.Rate, "rate", s.Limits.Rate, "")
	fs.IntVar(&s.Limits.Burst, "burst", s.Limits.Burst, "")
	fs.IntVar(&s.Limits.Rooms, "max-rooms", s.Limits.Rooms, "")
	fs.IntVar(&s.Limits.Connections, "max-connections", s.Limits.Connections, "")
	fs.Var(&s.Retention.Age, "keep-age", "")
	fs.Var(&s.Retention.Size, "keep-size", "")
	fs.StringVar(&s.file, "config", s.file, "")
}

// negated is a switch that turns a setting off.
type negated struct{ on *bool }

func (n *negated) String() string {
	if n.on == nil {
		return "false"
	}
	return strconv.FormatBool(!*n.on)
}
func (n *negated) Set(v string) error {
	off, err := strconv.ParseBool(v)
	if err == nil {
		*n.on = !off
	}
	return err
}
func (*negated) Type() string     { return "bool" }
func (*negated) IsBoolFlag() bool { return true }

// Load completes s, whose flags were bound to fs and are parsed: the environment and
// the file of --config or HUISCLOS_CONFIG fill in what no flag said.
func (s *Server) Load(fs *pflag.FlagSet) error {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	scratch := DefaultServer()
	bind(own, &scratch)
	s.flags = map[string]string{}
	var bad error
	own.VisitAll(func(f *pflag.Flag) {
		if said := fs.Lookup(f.Name); said != nil && said.Changed {
			s.flags[f.Name] = said.Value.String()
			return
		}
		name := prefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := os.Getenv(name)
		if value == "" {
			return
		}
		if err := f.Value.Set(value); err != nil && bad == nil {
			bad = chat.Errorf(chat.CodeSettingValue, "name", name, "value", value)
		}
		s.flags[f.Name] = value
	})
	if bad != nil {
		return bad
	}
	s.file = s.flags["config"]
	delete(s.flags, "config")
	next, err := s.read()
	if err != nil {
		return err
	}
	*s = next
	return nil
}

// Reload reads the file again and returns the server as it would be started now; s is
// unchanged. Without a file it returns s.
func (s *Server) Reload() (Server, error) { return s.read() }

// File is the path of the configuration file; empty when there is none.
func (s *Server) File() string { return s.file }

// read puts the defaults, the file and what flags and environment said over each other.
func (s *Server) read() (Server, error) {
	next := DefaultServer()
	next.file, next.flags = s.file, s.flags
	if s.file != "" {
		text, err := os.ReadFile(s.file)
		if err != nil {
			return Server{}, chat.Errorf(chat.CodeConfig, "path", s.file, "detail", reason(err)).Because(err)
		}
		if err := next.decode(text); err != nil {
			return Server{}, err
		}
	}
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	bind(fs, &next)
	for name, value := range s.flags {
		if err := fs.Lookup(name).Value.Set(value); err != nil {
			return Server{}, chat.Errorf(chat.CodeSettingValue, "name", "--"+name, "value", value)
		}
	}
	return next, next.check()
}

// decode reads the text of a configuration file over s. Paths in it are relative to the file's folder.
func (s *Server) decode(text []byte) error {
	dec := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := dec.Decode(s); err != nil {
		return chat.Errorf(chat.CodeConfig, "path", s.file, "detail", tomlReason(err)).Because(err)
	}
	dir := filepath.Dir(s.file)
	for _, p := range []*string{&s.Data, &s.Cert, &s.CertKey, &s.AdminSocket} {
		if *p != "" && *p != NoSocket && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	return nil
}

// tomlReason says what is wrong and in which line, in one line.
func tomlReason(err error) string {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		row, _ := strict.Errors[0].Position()
		return "line " + strconv.Itoa(row) + ": unknown setting " + strings.Join(strict.Errors[0].Key(), ".")
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, _ := decode.Position()
		return "line " + strconv.Itoa(row) + ": " + strings.TrimPrefix(decode.Error(), "toml: ")
	}
	return strings.TrimPrefix(err.Error(), "toml: ")
}

// reason is an error of the file system without the path, which is told beside it.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
