package client

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"

	"huisclos/chat"
)

// Owner lets the other processes of the same user use the session of the one that has the profile open. It
// listens on a Unix socket in the profile's folder, which only the user can enter, and asks for a token that only he can read.
type Owner struct {
	api    API
	dir    string
	note   ownerNote
	listen net.Listener
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// ownerNote is owner.json: where the owner of a profile is to be found.
type ownerNote struct {
	Version int    `json:"version"`
	Socket  string `json:"socket"`
	Token   string `json:"token"`
	Process int    `json:"process"`
}

const (
	ownerVersion  = 1
	ownerFileName = "owner.json"
	socketName    = "owner.sock"
	// maxSocketPath is what every system takes as the path of a socket, in bytes (macOS: 104).
	maxSocketPath = 100
)

// Serve begins to serve api to other processes. The caller has the profile's vault open, so a socket that
// is still there is stale. CodePermission, CodeStorage.
func Serve(api API, dir string) (*Owner, error) {
	forgetOwner(dir)
	token := make([]byte, 32)
	_, _ = rand.Read(token)
	o := &Owner{api: api, dir: dir, note: ownerNote{Version: ownerVersion, Token: hex.EncodeToString(token), Process: os.Getpid()}}
	path, err := socketPath(dir)
	if err != nil {
		return nil, ownerError(dir, err)
	}
	o.note.Socket = path
	if o.listen, err = net.Listen("unix", path); err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err == nil {
		err = o.writeNote()
	}
	if err != nil {
		o.remove()
		return nil, ownerError(dir, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o.cancel = cancel
	o.wg.Go(func() { o.accept(ctx) })
	return o, nil
}

func ownerError(dir string, err error) error {
	code := chat.CodeStorage
	if errors.Is(err, os.ErrPermission) {
		code = chat.CodePermission
	}
	return chat.Errorf(code, "path", dir).Because(err)
}

// socketPath chooses where to listen: in the folder, else, where that is too long a name for a socket, in a new
// folder of the user's own among the temporary ones.
func socketPath(dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(dir, socketName))
	if err != nil || len(path) <= maxSocketPath {
		return path, err
	}
	short, err := os.MkdirTemp("", "huisclos-") // mode 0700
	return filepath.Join(short, socketName), err
}

func (o *Owner) writeNote() error {
	text, err := json.Marshal(o.note)
	if err != nil {
		return err
	}
	path := filepath.Join(o.dir, ownerFileName)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// forgetOwner removes what an owner that was killed left behind.
func forgetOwner(dir string) {
	if note, err := readOwner(dir); err == nil {
		removeSocket(dir, note.Socket)
	}
	_ = os.Remove(filepath.Join(dir, ownerFileName))
	_ = os.Remove(filepath.Join(dir, socketName))
}

// removeSocket removes a socket, and its folder if that was made for it.
func removeSocket(dir, path string) {
	if path == "" || filepath.Base(path) != socketName {
		return
	}
	_ = os.Remove(path)
	if folder := filepath.Dir(path); filepath.Base(folder) != filepath.Base(dir) {
		_ = os.Remove(folder) // only if it is empty
	}
}

func readOwner(dir string) (ownerNote, error) {
	var note ownerNote
	text, err := os.ReadFile(filepath.Join(dir, ownerFileName))
	if err == nil {
		err = json.Unmarshal(text, &note)
	}
	return note, err
}

func (o *Owner) remove() {
	if o.listen != nil {
		_ = o.listen.Close()
	}
	removeSocket(o.dir, o.note.Socket)
	_ = os.Remove(filepath.Join(o.dir, ownerFileName))
}

// Close ends the service, and every call under way.
func (o *Owner) Close() error {
	o.remove()
	o.cancel()
	o.wg.Wait()
	return nil
}

func (o *Owner) accept(ctx context.Context) {
	for {
		conn, err := o.listen.Accept()
		if err != nil {
			return
		}
		o.wg.Go(func() { o.serve(ctx, conn) })
	}
}

// serve handles one connection, which carries one call. Its end cancels the call.
func (o *Owner) serve(ctx context.Context, conn net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer conn.Close()
	var call remoteCall
	if readRemote(conn, &call) != nil {
		return
	}
	if call.Version != ownerVersion || subtle.ConstantTimeCompare([]byte(call.Token), []byte(o.note.Token)) != 1 {
		_ = writeRemote(conn, &remoteReply{Done: true, Code: chat.CodeAuth})
		return
	}
	var watch sync.WaitGroup
	watch.Go(func() { // nothing more is said by the caller: a byte or the end means that he is gone
		_, _ = conn.Read(make([]byte, 1))
		cancel()
	})
	err := o.answer(ctx, conn, call)
	last := remoteReply{Done: true}
	if e := asError(err); e != nil {
		last.Code, last.Params = e.Code, e.Params
	}
	_ = writeRemote(conn, &last)
	_ = conn.Close()
	watch.Wait()
}

func (o *Owner) answer(ctx context.Context, conn net.Conn, call remoteCall) error {
	m, ok := linkMethods(allMethods())[call.Method]
	if !ok {
		return chat.Errorf(chat.CodeVersion)
	}
	return m(ctx, o.api, call.Args, func(v any) error {
		return writeRemote(conn, &remoteReply{Value: remoteEncode(v)})
	})
}
