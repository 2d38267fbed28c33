package config

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes: "65536", "64KiB", "1.5GiB", "20MB". 0 is "no bound"
// where a bound may be absent. It is a flag's value and a TOML string or number.
type Size int64

// sizeUnits goes from the longest ending to the shortest, so that "KiB" isn't read as "B".
var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", 1 << 40}, {"B", 1},
}

// Set reads s.
func (z *Size) Set(s string) error {
	number, unit := strings.TrimSpace(s), int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		if n < 0 || n > (1<<62)/unit {
			return fmt.Errorf("%q is out of range", s)
		}
		*z = Size(n * unit)
		return nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || !(f >= 0) || f*float64(unit) > 1<<62 {
		return fmt.Errorf("%q is not a size: write it like 64KiB or 2GiB", s)
	}
	*z = Size(f * float64(unit))
	return nil
}

// String writes z so that Set reads the same: in the largest unit that divides it.
func (z Size) String() string {
	for _, u := range []struct {
		name  string
		bytes Size
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if z >= u.bytes && z%u.bytes == 0 {
			return strconv.FormatInt(int64(z/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(z), 10)
}

// Type names the value in a flag's help.
func (*Size) Type() string { return "size" }

// UnmarshalText reads a TOML string.
func (z *Size) UnmarshalText(b []byte) error { return z.Set(string(b)) }

// Age is a length of time: "90s", "12h", "30d", "2w", "1d12h". 0 is "for ever"
// where a bound may be absent. It is never negative.
type Age time.Duration

// Set reads s.
func (a *Age) Set(s string) error {
	rest, total := strings.TrimSpace(s), time.Duration(0)
	switch rest {
	case "":
		return badAge(s)
	case "0":
		*a = 0
		return nil
	}
	for _, u := range []struct {
		name   string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, tail, found := strings.Cut(rest, u.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || time.Duration(n) > (1<<62)/u.length {
			return badAge(s)
		}
		total += time.Duration(n) * u.length
		rest = tail
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 || total+d < total {
			return badAge(s)
		}
		total += d
	}
	*a = Age(total)
	return nil
}

func badAge(s string) error {
	return fmt.Errorf("%q is not a length of time: write it like 12h, 30d or 2w", s)
}

// String writes a so that Set reads the same.
func (a Age) String() string {
	const day = 24 * time.Hour
	d := time.Duration(a)
	if d == 0 {
		return "0"
	}
	days, rest := d/day, d%day
	switch {
	case rest == 0:
		return strconv.FormatInt(int64(days), 10) + "d"
	case days == 0:
		return rest.String()
	default:
		return strconv.FormatInt(int64(days), 10) + "d" + rest.String()
	}
}

// Type names the value in a flag's help.
func (*Age) Type() string { return "age" }

// UnmarshalText reads a TOML string.
func (a *Age) UnmarshalText(b []byte) error { return a.Set(string(b)) }

// Level is the least important kind of log line that is written: debug, info, warn, error.
type Level slog.Level

// Set reads s.
func (l *Level) Set(s string) error {
	switch strings.ToLower(s) {
	case "debug":
		*l = Level(slog.LevelDebug)
	case "info":
		*l = Level(slog.LevelInfo)
	case "warn", "warning":
		*l = Level(slog.LevelWarn)
	case "error":
		*l = Level(slog.LevelError)
	default:
		return fmt.Errorf("%q is not one of debug, info, warn, error", s)
	}
	return nil
}

// String writes l so that Set reads the same.
func (l Level) String() string { return strings.ToLower(slog.Level(l).String()) }

// Type names the value in a flag's help.
func (*Level) Type() string { return "level" }

// UnmarshalText reads a TOML string.
func (l *Level) UnmarshalText(b []byte) error { return l.Set(string(b)) }
