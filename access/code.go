package access

import (
	"huisclos/chat"
	"huisclos/wire"
)

// IsUseCode reports whether a client's second frame uses an invitation code instead of a login.
func IsUseCode(raw []byte) bool {
	f, err := wire.Decode(raw)
	_, ok := f.(*wire.UseCode)
	return err == nil && ok
}

// UseCode reads the second frame of a newcomer who has an invitation code, in the place of Auth. It proves nothing: that is for him and the member who
// has made the code. CodeFrame.
func (s *Server) UseCode(raw []byte) (*wire.UseCode, error) {
	if s.step != stepChallenged {
		return nil, chat.Errorf(chat.CodeFrame)
	}
	s.step = stepOver
	f, err := wire.Decode(raw)
	if err != nil {
		return nil, err
	}
	use, ok := f.(*wire.UseCode)
	if !ok {
		return nil, chat.Errorf(chat.CodeFrame)
	}
	return use, nil
}

// IsUseLink reports whether a client's second frame uses a link code instead of a login.
func IsUseLink(raw []byte) bool {
	f, err := wire.Decode(raw)
	_, ok := f.(*wire.UseLink)
	return err == nil && ok
}

// UseLink reads the second frame of a new device that has a link code, in the place of Auth. It proves nothing. CodeFrame.
func (s *Server) UseLink(raw []byte) (*wire.UseLink, error) {
	if s.step != stepChallenged {
		return nil, chat.Errorf(chat.CodeFrame)
	}
	s.step = stepOver
	f, err := wire.Decode(raw)
	if err != nil {
		return nil, err
	}
	use, ok := f.(*wire.UseLink)
	if !ok {
		return nil, chat.Errorf(chat.CodeFrame)
	}
	return use, nil
}
