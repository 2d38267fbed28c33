package config

import "os"

// Language is the language to speak, as the person or the system names it ("fr",
// "fr_CA.UTF-8", "de"): flag when it isn't empty, else HUISCLOS_LANG, LC_ALL,
// LC_MESSAGES, LANG, in this order. Empty when nobody says; i18n.For chooses the nearest it has.
func Language(flag string) string {
	for _, lang := range []string{flag, os.Getenv("HUISCLOS_LANG"), os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")} {
		if lang != "" {
			return lang
		}
	}
	return ""
}
