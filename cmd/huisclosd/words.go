package main

import "github.com/spf13/pflag"

// explain gives a flag its words.
func explain(a *app) func(*pflag.Flag) {
	return func(f *pflag.Flag) {
		if f.Usage == "" {
			f.Usage = a.words.T("flag." + f.Name)
		}
	}
}
