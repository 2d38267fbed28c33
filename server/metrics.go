package server

import (
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"huisclos/chat"
)

// metrics counts, in a registry of its own. No label holds anything of a person: no name, address or room.
type metrics struct {
	registry *prometheus.Registry
	frames   prometheus.Counter
	refusals *prometheus.CounterVec
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		frames:   prometheus.NewCounter(prometheus.CounterOpts{Name: "huisclos_frames_received_total", Help: "Frames read from members."}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "huisclos_refusals_total", Help: "Connections that were refused or ended by the server, by error code.",
		}, []string{"code"}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.frames, m.refusals,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "huisclos_connections", Help: "Connections that have logged in."},
			func() float64 { s.mu.Lock(); defer s.mu.Unlock(); return float64(len(s.members)) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "huisclos_visitors", Help: "Connections that have not logged in yet."},
			func() float64 { return float64(s.gate.waiting()) }),
	)
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2})
}

// refused counts an error. Codes are a fixed list: a client can't add labels.
func (m *metrics) refused(err error) {
	code := "network"
	var e *chat.Error
	if errors.As(err, &e) {
		code = string(e.Code)
	}
	m.refusals.WithLabelValues(code).Inc()
}

// Registry is where the hub and the store may add their own metrics.
func (s *Server) Registry() *prometheus.Registry { return s.metrics.registry }
