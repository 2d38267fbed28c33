// Package config turns flags, environment variables and a TOML file into typed
// options, and knows where a program's files belong on each system.
//
// It guarantees that a flag wins over the environment, the environment over the
// file and the file over the default; that an unknown key or a value out of its
// bounds is an error (chat.CodeConfig, chat.CodeUsage) and never ignored; and
// that reading a file again changes nothing when it holds an error. Besides
// the programs in cmd it is the only package that reads the environment.
package config
