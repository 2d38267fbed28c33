package server

import (
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"huisclos/chat"
	"huisclos/hub"
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
			func() float64 { return float64(s.count()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "huisclos_visitors", Help: "Connections that have not logged in yet."},
			func() float64 { return float64(s.gate.waiting()) }),
	)
	for name, read := range map[string]func(hub.Metrics) int64{
		"huisclos_messages_accepted_total":  func(h hub.Metrics) int64 { return h.Accepted },
		"huisclos_messages_refused_total":   func(h hub.Metrics) int64 { return h.Refused },
		"huisclos_messages_delivered_total": func(h hub.Metrics) int64 { return h.Delivered },
		"huisclos_commits_total":            func(h hub.Metrics) int64 { return h.Batches },
		"huisclos_readers_behind_total":     func(h hub.Metrics) int64 { return h.Slow },
	} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: "Of all rooms, since the start."},
			func() float64 {
				if s.hub == nil {
					return 0
				}
				return float64(read(s.hub.Metrics()))
			}))
	}
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
