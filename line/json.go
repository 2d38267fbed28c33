package line

import (
	"encoding/json"
	"time"

	"huisclos/chat"
	"huisclos/client"
)

// jsonMessage is a message for programs. New fields may be added at the end; none changes its meaning.
type jsonMessage struct {
	Event      string          `json:"event,omitempty"` // "message", in watch only
	Room       string          `json:"room"`            // without "#"
	Seq        chat.Seq        `json:"seq"`
	Sender     string          `json:"sender"`  // empty when it isn't known
	Account    string          `json:"account"` // hexadecimal
	Time       string          `json:"time"`    // RFC 3339, the server's
	Text       string          `json:"text"`    // as it was sent; empty when form isn't "text"
	Form       string          `json:"form"`    // text, unreadable, removed, refused, unsupported, changed, taken
	ID         string          `json:"id"`
	Device     string          `json:"device"`
	Mine       bool            `json:"mine"`
	Written    string          `json:"written,omitempty"` // RFC 3339, the sender's word
	Generation chat.Generation `json:"generation"`
	Error      *jsonError      `json:"error,omitempty"`
	Added      []string        `json:"added,omitempty"` // of changed: names
	Taken      []string        `json:"taken,omitempty"` // whom the sender has removed
	Left       []string        `json:"left,omitempty"`
	Devices    []string        `json:"new_devices,omitempty"`
	Returned   bool            `json:"returned,omitempty"` // the sender came back with new keys
	Weak       []string        `json:"weak,omitempty"`     // who came on a key that is used more than once
	Silent     []string        `json:"silent,omitempty"`   // who was taken out after 60 days of silence
	Sleeping   []string        `json:"sleeping,omitempty"` // members of whom a device was
	Changes    []jsonChange    `json:"changes,omitempty"`
	What       string          `json:"what,omitempty"`  // of what does something to another message: edited, took_back, reacted, unreacted
	About      string          `json:"about,omitempty"` // the ID of the message that this one answers or does something to
	Markdown   bool            `json:"markdown,omitempty"`
	Edited     bool            `json:"edited,omitempty"`
	TakenBy    string          `json:"taken_by,omitempty"`
	SharedBy   string          `json:"shared_by,omitempty"` // on whose word it is here
	Reactions  []jsonReaction  `json:"reactions,omitempty"`
	Expires    string          `json:"expires,omitempty"` // RFC 3339, by this machine's clock
	Mentions   []jsonMention   `json:"mentions,omitempty"`
	MentionsMe bool            `json:"mentions_me,omitempty"`
	Seen       []jsonSeen      `json:"seen,omitempty"` // of one's own message
}

// jsonMention is a place in the text that stands for a person.
type jsonMention struct {
	Name    string `json:"name"` // as it is known here
	Account string `json:"account"`
	Start   int    `json:"start"` // bytes of the text
	End     int    `json:"end"`
}

// jsonSeen is what a member's devices say of a message.
type jsonSeen struct {
	Name string `json:"name"`
	Read bool   `json:"read"`
	Time string `json:"time"`
}

// extras writes what stands beside a text.
func (j *jsonMessage) extras(m *client.Message) {
	j.Expires, j.MentionsMe = timeJSON(m.Expires), m.MentionsMe
	for _, x := range m.Mentions {
		j.Mentions = append(j.Mentions, jsonMention{Name: x.Name, Account: x.Account.String(), Start: x.Start, End: x.End})
	}
	for _, s := range m.Seen {
		j.Seen = append(j.Seen, jsonSeen{Name: s.Name, Read: s.Read, Time: timeJSON(s.Time)})
	}
}

// jsonReaction is an emoji at a message.
type jsonReaction struct {
	Emoji string   `json:"emoji"`
	By    []string `json:"by"`
}

func whatName(w client.What) string {
	switch w {
	case client.Edited:
		return "edited"
	case client.TookBack:
		return "took_back"
	case client.Reacted:
		return "reacted"
	case client.Unreacted:
		return "unreacted"
	case client.Said:
	}
	return ""
}

// jsonChange is a change of a private room's state.
type jsonChange struct {
	What  string `json:"what"` // topic, role, mute, unmute, ban, unban
	Name  string `json:"name,omitempty"`
	Value string `json:"value,omitempty"` // the topic; member, moderator or owner
}

func changesJSON(all []client.Change) (out []jsonChange) {
	names := map[client.About]string{
		client.AboutTopic: "topic", client.AboutRole: "role", client.AboutMuted: "mute", client.AboutUnmuted: "unmute",
		client.AboutBanned: "ban", client.AboutUnbanned: "unban", client.AboutPast: "past", client.AboutSlow: "slow", client.AboutExpiry: "expiry",
	}
	for _, c := range all {
		j := jsonChange{What: names[c.About], Name: c.Name, Value: c.Value}
		if c.About == client.AboutRole {
			j.Value = roleName(c.Role)
		}
		out = append(out, j)
	}
	return out
}

// jsonError is an error for programs: the code is stable, the text is for people.
type jsonError struct {
	Code   chat.Code         `json:"code"`
	Params map[string]string `json:"params,omitempty"`
	Text   string            `json:"text,omitempty"`
	Hint   string            `json:"hint,omitempty"`
}

func formName(f client.Form) string {
	switch f {
	case client.Text:
		return "text"
	case client.Unreadable:
		return "unreadable"
	case client.Removed:
		return "removed"
	case client.Refused:
		return "refused"
	case client.Changed:
		return "changed"
	case client.Taken:
		return "taken"
	case client.Expired:
		return "expired"
	}
	return "unsupported"
}

// MessageJSON writes a message as one line of JSON.
func MessageJSON(w Words, m client.Message) []byte { return jsonLine(messageJSON(w, m)) }

func messageJSON(w Words, m client.Message) jsonMessage {
	j := jsonMessage{
		Room: m.Room, Seq: m.Seq, Sender: m.Sender, Account: m.Account.String(), Time: timeJSON(m.Time), Text: m.Text,
		Form: formName(m.Form), ID: m.ID.String(), Device: m.Device.String(), Mine: m.Mine,
		Written: timeJSON(m.Written), Generation: m.Generation, Error: errorJSON(w, m.Err),
		Added: m.Added, Taken: m.Removed, Left: m.Left, Returned: m.Returned, Weak: m.Weak, Silent: m.Silent, Sleeping: m.Sleeping, Devices: m.NewDevices, Changes: changesJSON(m.Changes),
	}
	j.What, j.Markdown, j.Edited, j.TakenBy, j.SharedBy = whatName(m.What), m.Markdown, m.Edited, m.TakenBy, m.SharedBy
	if m.Ref != nil {
		j.About = m.Ref.ID.String()
	}
	for _, r := range m.Reactions {
		j.Reactions = append(j.Reactions, jsonReaction{Emoji: r.Emoji, By: r.By})
	}
	j.extras(&m)
	if m.Form != client.Text {
		j.Text = ""
	}
	return j
}

func timeJSON(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func errorJSON(w Words, err *chat.Error) *jsonError {
	if err == nil {
		return nil
	}
	text, hint := w.Error(err)
	return &jsonError{Code: err.Code, Params: err.Params, Text: text, Hint: hint}
}

// EventJSON writes an event as one line of JSON. Each has "event", its name.
func EventJSON(w Words, e client.Event) []byte {
	switch e := e.(type) {
	case client.Message:
		j := messageJSON(w, e)
		j.Event = "message"
		return jsonLine(j)
	case client.Updated:
		j := messageJSON(w, e.Message)
		j.Event = "updated"
		return jsonLine(j)
	case client.Sent:
		return jsonEvent("sent", "room", e.Room, "id", e.ID.String(), "seq", e.Seq, "time", timeJSON(e.Time))
	case client.SendFailed:
		return jsonEvent("send_failed", "room", e.Room, "id", e.ID.String(), "text", e.Text, "error", errorJSON(w, e.Err))
	case client.Arrivals:
		return jsonEvent("arrivals", "room", e.Room, "came", list(e.Came), "went", list(e.Went), "online", e.Online)
	case client.Online:
		return jsonEvent("online", "address", e.Address, "first", e.First)
	case client.Offline:
		return jsonEvent("offline", "error", errorJSON(w, e.Err), "retry_in", e.RetryIn.Seconds())
	case client.Notice:
		return jsonEvent("notice", "text", e.Text, "time", timeJSON(e.Time))
	case client.ReportRead:
		return jsonEvent("report", "room", e.Room, "id", e.ID.String(), "seq", e.Seq, "name", e.Name, "read", e.Read, "time", timeJSON(e.Time))
	case client.Typing:
		return jsonEvent("typing", "room", e.Room, "name", e.Name, "on", e.On)
	case client.Gap:
		return jsonEvent("gap", "room", e.Room, "from", e.From, "to", e.To)
	}
	return stateJSON(w, e)
}

// stateJSON writes the events about keys, rooms and the session.
func stateJSON(w Words, e client.Event) []byte {
	switch e := e.(type) {
	case client.RoomStopped:
		return jsonEvent("room_stopped", "room", e.Room, "seq", e.Seq, "error", errorJSON(w, e.Err))
	case client.RoomResumed:
		return jsonEvent("room_resumed", "room", e.Room)
	case client.Rotated:
		return jsonEvent("rotated", "generation", e.Generation, "have", e.Have)
	case client.KeyMissing:
		return jsonEvent("key_missing", "generation", e.Generation, "error", errorJSON(w, e.Err))
	case client.KeyGained:
		return jsonEvent("key_gained", "generation", e.Generation, "opened", e.Opened)
	case client.IdentityChanged:
		return jsonEvent("identity_changed", "name", e.Name, "account", e.Account.String(), "verified", e.Verified, "error", errorJSON(w, e.Err))
	case client.NewDevice:
		return jsonEvent("new_device", "reason", e.Reason)
	case client.DeviceAdded:
		return jsonEvent("device_added", "name", e.Name, "account", e.Account.String(), "device", e.Device.String(), "mine", e.Mine, "issued", timeJSON(e.Issued))
	case client.DeviceRevoked:
		return jsonEvent("device_revoked", "name", e.Name, "account", e.Account.String(), "device", e.Device.String(), "mine", e.Mine)
	case client.DevicesWithheld:
		return jsonEvent("devices_withheld", "name", e.Name, "account", e.Account.String(), "have", e.Have, "got", e.Got, "forked", e.Forked)
	case client.Invited:
		return jsonEvent("invited", "room", e.Room, "by", e.By, "direct", e.Direct, "members", e.Members, "was", e.Was, "weak", e.Weak)
	case client.InvitationRefused:
		return jsonEvent("invitation_refused", "by", e.By, "error", errorJSON(w, e.Err))
	case client.PutOut:
		return jsonEvent("put_out", "room", e.Room, "by", e.By, "silent", e.Silent)
	case client.Left:
		return jsonEvent("left", "room", e.Room)
	case client.Returning:
		return jsonEvent("returning", "room", e.Room)
	case client.PastShared:
		return jsonEvent("past_shared", "room", e.Room, "by", e.By, "messages", e.Messages, "more", e.More)
	case client.PastAsked:
		return jsonEvent("past_asked", "room", e.Room, "of", e.Of, "messages", e.Messages)
	case client.PastEnded:
		return jsonEvent("past_ended", "room", e.Room, "missing", e.Missing)
	case client.Held:
		return jsonEvent("held", "room", e.Room, "id", e.ID.String(), "until", timeJSON(e.Until), "queued", e.Queued)
	case client.Returned:
		return jsonEvent("returned", "room", e.Room)
	case client.CodeUsed:
		return jsonEvent("code_used", "number", e.Number, "name", e.Name, "account", e.Account.String())
	case client.CodeFailed:
		return jsonEvent("code_failed", "number", e.Number, "error", errorJSON(w, e.Err), "left", e.Left)
	case client.LinkAsked:
		return jsonEvent("link_asked", "number", e.Number, "device", e.Device.String(), "name", e.Name, "client", e.Software, "until", timeJSON(e.Until))
	case client.LinkDone:
		return jsonEvent("link_done", "number", e.Number, "device", e.Device.String(), "name", e.Name)
	case client.HistoryMoved:
		return jsonEvent("history_moved", "device", e.Device.String(), "gives", e.Gives, "moved", e.Moved, "total", e.Total, "bytes", e.Bytes, "rooms", e.Rooms, "rooms_done", e.RoomsDone, "done", e.Done, "away", e.Away)
	case client.Missed:
		return jsonEvent("missed", "events", e.Events)
	case client.Ended:
		return jsonEvent("ended", "error", errorJSON(w, e.Err), "gone", e.Gone)
	}
	return restoredJSON(w, e)
}

// list is never null.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func jsonEvent(name string, pairs ...any) []byte {
	object := map[string]any{"event": name}
	for i := 0; i+1 < len(pairs); i += 2 {
		if e, ok := pairs[i+1].(*jsonError); ok && e == nil {
			continue
		}
		object[pairs[i].(string)] = pairs[i+1]
	}
	return jsonLine(object)
}

func jsonLine(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // only strings, numbers and lists of them are in it
		b = []byte(`{"event":"unknown"}`)
	}
	return append(b, '\n')
}
