package e2e

import (
	"fmt"
	"path/filepath"
)

// globOne finds the one file of a pattern.
func globOne(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%s matches %d files", pattern, len(found))
	}
	return found[0], nil
}
