package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"

	"huisclos/chat"
)

// The socket carries lines of JSON, each at most maxRequest or maxResponse bytes with
// its line feed. A client sends a request and reads its response, as often as it likes:
//
//	{"v":1,"verb":"kick","name":"bob","text":"go away"}
//	{"result":{"name":"bob","connections":1}}
//	{"v":1,"verb":"kick","name":"bobb"}
//	{"error":{"code":"no_such_person","params":{"name":"bobb","suggestion":"bob"}}}

// protocol is the version of what stands on the socket.
const protocol = 1

const (
	maxRequest  = 1 << 20
	maxResponse = 64 << 20
)

// envelope is a request as it travels.
type envelope struct {
	Version int `json:"v"`
	Request
}

// response has a result or an error.
type response struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  *failure        `json:"error,omitempty"`
}

type failure struct {
	Code   chat.Code         `json:"code"`
	Params map[string]string `json:"params,omitempty"`
}

// openKey is a Key whose secrets show.
type openKey struct {
	Generation chat.Generation `json:"generation"`
	ID         string          `json:"id"`
	Key        string          `json:"key"`
	Link       string          `json:"link"`
}

type openRotation struct {
	openKey
	Prove   bool      `json:"prove"`
	Waiting []Account `json:"waiting"`
}

func open(k Key) openKey {
	return openKey{k.Generation, k.ID, k.Key.Reveal(), k.Link.Reveal()}
}

func (k openKey) close() Key {
	return Key{k.Generation, k.ID, NewSecret(k.Key), NewSecret(k.Link)}
}

// Marshal writes a result as JSON, secrets included: for the socket, and for a person
// who asked for the key in JSON. Lists are never null.
func Marshal(r Result) ([]byte, error) {
	switch r := r.(type) {
	case *Key:
		return json.Marshal(open(*r))
	case *Rotation:
		return json.Marshal(openRotation{open(r.Key), r.Prove, some(r.Waiting)})
	case *Approval:
		return json.Marshal(&Approval{r.Generation, some(r.Names), r.Devices, some(r.Waiting)})
	case *Listing:
		return json.Marshal(&Listing{some(r.Present)})
	case *RoomList:
		return json.Marshal(&RoomList{some(r.Rooms), r.Private})
	case *AuditLog:
		return json.Marshal(&AuditLog{some(r.Rows)})
	case *BanList:
		return json.Marshal(&BanList{some(r.Bans)})
	case *Refill:
		open := *r
		open.Conflicts = some(r.Conflicts)
		return json.Marshal(&open)
	case *Reloaded:
		return json.Marshal(&Reloaded{some(r.Changed), some(r.Restart)})
	}
	return json.Marshal(r)
}

func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// unmarshal reads the result of a command. Fields that a newer server added are left out.
func unmarshal(c Command, b []byte) (Result, error) {
	r := c.result()
	var err error
	switch r := r.(type) {
	case *Key:
		var k openKey
		err = json.Unmarshal(b, &k)
		*r = k.close()
	case *Rotation:
		var k openRotation
		err = json.Unmarshal(b, &k)
		*r = Rotation{k.close(), k.Prove, k.Waiting}
	default:
		err = json.Unmarshal(b, r)
	}
	return r, err
}

// strict reads one JSON value and nothing else.
func strict(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// decodeRequest reads a line of the socket. CodeFrame for what isn't a request, CodeVersion for
// one of another version, and the errors of Request.Check.
func decodeRequest(line []byte) (Request, error) {
	var e envelope
	if err := strict(line, &e); err != nil {
		return Request{}, chat.Errorf(chat.CodeFrame).Because(err)
	}
	if e.Version != protocol {
		return Request{}, chat.Errorf(chat.CodeVersion)
	}
	if err := e.Check(); err != nil {
		return Request{}, err
	}
	if c, _ := Lookup(e.Verb); c.Local {
		return Request{}, unknownCommand(string(e.Verb))
	}
	if len(e.Names) == 0 {
		e.Names = nil
	}
	return e.Request, nil
}

func encodeRequest(r Request) ([]byte, error) {
	b, err := json.Marshal(envelope{protocol, r})
	return append(b, '\n'), err
}

// encodeResponse never fails: what can't be written becomes CodeInternal.
func encodeResponse(r Result, err error) []byte {
	var out response
	if err == nil {
		out.Result, err = Marshal(r)
	}
	if err != nil {
		out = response{Error: toFailure(err)}
	}
	b, err := json.Marshal(out)
	if err != nil || len(b) >= maxResponse {
		b = []byte(`{"error":{"code":"internal"}}`)
	}
	return append(b, '\n')
}

// toFailure keeps the code and its parameters; the cause stays in the server's log.
func toFailure(err error) *failure {
	var e *chat.Error
	if errors.As(err, &e) {
		return &failure{e.Code, maps.Clone(e.Params)}
	}
	return &failure{Code: chat.CodeOf(err)}
}

func decodeResponse(c Command, line []byte) (Result, error) {
	var in response
	if err := json.Unmarshal(line, &in); err != nil {
		return nil, chat.Errorf(chat.CodeFrame).Because(err)
	}
	if in.Error != nil {
		return nil, &chat.Error{Code: in.Error.Code, Params: in.Error.Params}
	}
	r, err := unmarshal(c, in.Result)
	if err != nil {
		return nil, chat.Errorf(chat.CodeFrame).Because(err)
	}
	return r, nil
}
