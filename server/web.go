package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"huisclos/access"
)

// The paths of what isn't the chat itself.
const (
	// HealthPath answers 200 while the store can be read and written, else 503.
	HealthPath = "/healthz"
	// MetricsPath is for Prometheus, on the proxy's listener and to this machine only.
	MetricsPath = "/metrics"
)

// web answers browsers and health checks.
func (s *Server) web() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+HealthPath, s.health)
	mux.HandleFunc("GET /{$}", s.page)
	return mux
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	w.Header().Set("Cache-Control", "no-store")
	if err := s.config.Store.Check(ctx); err != nil {
		s.config.Log.Error("health check failed", "error", err)
		http.Error(w, "the store can't be used", http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintf(w, "ok\nup %s\n", time.Since(s.started).Round(time.Second))
}

// page is what a person sees who opens the address in a browser.
func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	_, _ = fmt.Fprintf(w, pageText, access.FormatServer(s.Fingerprint()))
}

// pageText is in both languages: who reads it hasn't chosen one yet.
const pageText = `This is a Huisclos chat server. It stores and forwards encrypted messages that it can't read.
To take part, ask a member for the link or an invitation, and type:  huisclos join

Ceci est un serveur de discussion Huisclos. Il garde et transmet des messages chiffrés qu'il ne peut pas lire.
Pour y participer, demandez le lien ou une invitation à un membre, et tapez :  huisclos join

%s
`
