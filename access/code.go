package access

import (
	"huisclos/chat"
	"huisclos/wire"
)

// IsUseCode reports whether a client's second frame uses an invitation code instead of a login.
func IsUseCode(raw []byte) bool { return is[*wire.UseCode](raw) }

// IsUseLink reports whether a client's second frame uses a link code instead of a login.
func IsUseLink(raw []byte) bool { return is[*wire.UseLink](raw) }

func is[F wire.Frame](raw []byte) bool {
	f, err := wire.Decode(raw)
	_, ok := f.(F)
	return err == nil && ok
}

// UseCode reads the second frame of a newcomer who has an invitation code, in the place of Auth. It proves nothing: that is for him and the member who
// has made the code. CodeFrame.
func (s *Server) UseCode(raw []byte) (*wire.UseCode, error) { return instead[*wire.UseCode](s, raw) }

// UseLink reads the second frame of a new device that has a link code, in the place of Auth. It proves nothing. CodeFrame.
func (s *Server) UseLink(raw []byte) (*wire.UseLink, error) { return instead[*wire.UseLink](s, raw) }

// instead reads a second frame that isn't Auth, and ends the login.
func instead[F wire.Frame](s *Server, raw []byte) (use F, err error) {
	if s.step != stepChallenged {
		return use, chat.Errorf(chat.CodeFrame)
	}
	s.step = stepOver
	f, err := wire.Decode(raw)
	if err != nil {
		return use, err
	}
	use, ok := f.(F)
	if !ok {
		return use, chat.Errorf(chat.CodeFrame)
	}
	return use, nil
}
