package server

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/conn"
)

// ListenProxy opens HOST:PORT for a reverse proxy, in plain HTTP: the tunnel, in which clients speak the same pinned TLS, the
// health check, and metrics for this machine. What the proxy says of the client's address is believed, so that
// nobody but the proxy should reach this port. Errors are those of Listen.
func (s *Server) ListenProxy(ctx context.Context, address string) (net.Addr, error) {
	l, err := listen(ctx, address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc(conn.TunnelPath, s.tunnel)
	mux.Handle(MetricsPath, s.localOnly(s.metrics.handler()))
	mux.Handle("/", s.web())
	web := &http.Server{
		Handler: mux, ReadHeaderTimeout: patience, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		WriteTimeout: 2 * patience, // a hijacked connection has its own deadlines
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		_ = l.Close()
		return nil, chat.Errorf(chat.CodeGoodbye)
	}
	s.proxies = append(s.proxies, web)
	s.loops.Go(func() { _ = web.Serve(l) })
	return l.Addr(), nil
}

// tunnel begins the visit of a client behind the proxy.
func (s *Server) tunnel(w http.ResponseWriter, r *http.Request) {
	raw, err := conn.AcceptTunnel(w, r, forwarded(r))
	if err != nil {
		return // it has been answered
	}
	s.admit(raw, true)
}

// forwarded is the address that the proxy saw: the last one it added to X-Forwarded-For. What comes before is
// the client's own word.
func forwarded(r *http.Request) net.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		peer = netip.AddrPort{}
	}
	lines := r.Header.Values("X-Forwarded-For")
	if len(lines) > 0 {
		last := lines[len(lines)-1]
		last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
		if a, err := netip.ParseAddr(last); err == nil {
			return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0))
		}
		if ap, err := netip.ParseAddrPort(last); err == nil {
			return net.TCPAddrFromAddrPort(ap)
		}
	}
	return net.TCPAddrFromAddrPort(peer)
}

// localOnly lets in who asks from this machine and not through a proxy.
func (s *Server) localOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !peer.Addr().Unmap().IsLoopback() || len(r.Header.Values("X-Forwarded-For")) > 0 || r.Header.Get("Forwarded") != "" {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}
