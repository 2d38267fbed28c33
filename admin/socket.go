package admin

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"huisclos/chat"
)

// maxClients is how many programs may be connected to a socket at once.
const maxClients = 16

// idle is how long a connected program may say nothing.
const idle = 5 * time.Minute

// maxPath is the longest path that one can connect to on every system (sun_path of macOS and the
// BSDs is 104 bytes, with a zero at the end).
const maxPath = 103

// Doer carries out requests: a Desk, or a Client that asks one.
type Doer interface {
	Do(ctx context.Context, r Request) (Result, error)
}

// Socket is the admin socket of a running server: a Unix socket of mode 0600, so
// that the system lets in only the user who runs the server, and root.
type Socket struct {
	path     string
	listener net.Listener
	slots    chan struct{}

	mu    sync.Mutex // guards conns and shut
	conns map[net.Conn]bool
	shut  bool
	wg    sync.WaitGroup
}

// Listen makes the socket at path and its folder (mode 0700) when that is missing. A socket that a dead
// process left there is replaced. CodePortInUse (address) when a living one answers there,
// CodePermission (path), CodeNoAdmin (path) for any other failure.
func Listen(path string) (*Socket, error) {
	if len(path) > maxPath {
		return nil, chat.Errorf(chat.CodeNoAdmin, "path", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, socketError(path, err)
	}
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = conn.Close()
		return nil, chat.Errorf(chat.CodePortInUse, "address", path)
	}
	l, err := listenPrivately(path)
	if err != nil {
		return nil, socketError(path, err)
	}
	return &Socket{path: path, listener: l, slots: make(chan struct{}, maxClients), conns: map[net.Conn]bool{}}, nil
}

// listenPrivately leaves no moment at which another user could connect: between bind(2) and
// chmod(2) the socket stands in a folder that only this user can enter.
func listenPrivately(path string) (net.Listener, error) {
	if runtime.GOOS == "windows" { // a socket has no mode there and can't be renamed; the folder is the user's own
		_ = os.Remove(path)
		return net.Listen("unix", path)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".a") // mode 0700
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	hidden := filepath.Join(dir, "s")
	l, err := net.Listen("unix", hidden)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // it will have another name; Close removes that
	if err = os.Chmod(hidden, 0o600); err == nil {
		err = os.Rename(hidden, path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func socketError(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return chat.Errorf(chat.CodePermission, "path", path).Because(err)
	}
	return chat.Errorf(chat.CodeNoAdmin, "path", path).Because(err)
}

// Path is where the socket is.
func (s *Socket) Path() string { return s.path }

// Serve answers requests until Close; it returns nil then. Requests of one connection are
// answered in order. Their context ends with ctx, which doesn't end Serve.
func (s *Socket) Serve(ctx context.Context, desk Doer) error {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			if s.isShut() {
				return nil
			}
			return err
		}
		select {
		case s.slots <- struct{}{}:
		default:
			_, _ = conn.Write(encodeResponse(nil, chat.Errorf(chat.CodeFull)))
			_ = conn.Close()
			continue
		}
		if !s.take(conn) {
			<-s.slots
			continue
		}
		go func() {
			defer func() { s.drop(conn); <-s.slots }()
			s.answer(ctx, conn, desk)
		}()
	}
}

func (s *Socket) isShut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shut
}

// take registers a connection, unless the socket is closed by now.
func (s *Socket) take(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		_ = conn.Close()
		return false
	}
	s.conns[conn] = true
	s.wg.Add(1)
	return true
}

func (s *Socket) drop(conn net.Conn) {
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	_ = conn.Close()
	s.wg.Done()
}

// Close takes the socket away. Connections that wait for a request end; one whose request is
// being answered still gets its answer. It returns when all have ended.
func (s *Socket) Close() error {
	s.mu.Lock()
	again := s.shut
	s.shut = true
	for conn := range s.conns {
		_ = conn.SetReadDeadline(time.Unix(1, 0)) // wakes those who wait
	}
	s.mu.Unlock()
	if again {
		return nil
	}
	err := s.listener.Close()
	if e := os.Remove(s.path); e != nil && !errors.Is(e, fs.ErrNotExist) && err == nil {
		err = e
	}
	s.wg.Wait()
	return err
}

// await gives the connection its time to ask, unless the socket is closed by now.
func (s *Socket) await(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.shut && conn.SetReadDeadline(time.Now().Add(idle)) == nil
}

// answer serves one connection.
func (s *Socket) answer(ctx context.Context, conn net.Conn, desk Doer) {
	lines := bufio.NewReaderSize(conn, 4096)
	for s.await(conn) {
		line, err := readLine(lines, maxRequest)
		if err != nil {
			if errors.Is(err, errLong) {
				_, _ = conn.Write(encodeResponse(nil, chat.Errorf(chat.CodeTooLarge, "limit", "1 MiB")))
			}
			return
		}
		r, err := decodeRequest(line)
		var result Result
		if err == nil {
			result, err = desk.Do(ctx, r)
		}
		_ = conn.SetWriteDeadline(time.Now().Add(idle))
		if _, err := conn.Write(encodeResponse(result, err)); err != nil {
			return
		}
	}
}

var errLong = errors.New("admin: the line is too long")

// readLine reads up to and without the line feed; at most most bytes.
func readLine(r *bufio.Reader, most int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > most {
			return nil, errLong
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}
