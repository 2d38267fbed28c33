package fanout_test

import (
	"testing"

	"go.uber.org/goleak"

	"huisclos/fanout"
	"huisclos/fanout/fanouttest"
	"huisclos/hub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLocal(t *testing.T) {
	fanouttest.Run(t, func(*testing.T) hub.Bus { return fanout.NewLocal() })
}
