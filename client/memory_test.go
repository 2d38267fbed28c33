package client_test

import (
	"testing"

	"huisclos/client"
	"huisclos/client/vaulttest"
)

func TestMemory(t *testing.T) {
	vaulttest.Run(t, func(*testing.T) (client.Vault, func() client.Vault) {
		m := client.NewMemory()
		return m, func() client.Vault { m.Reopen(); return m }
	})
}
