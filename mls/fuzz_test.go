package mls

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// What is read has one form: writing it gives the same bytes. Real messages are the seeds; a target without any would test nothing.

// speech is one of everything that a small group says.
type speech struct {
	alice, bob *client
	messages   [][]byte // MLSMessages of all kinds
	trees      [][]byte
	valid      []byte // a message that bob hasn't read
	commit     []byte // of alice, of the same epoch
}

func speak(t *testing.T, public bool) *speech {
	id := X25519AES128SHA256Ed25519
	alice, bob, carol := newClient(t, id, "alice"), newClient(t, id, "bob"), newClient(t, id, "carol")
	alice.cfg.PublicHandshake, bob.cfg.PublicHandshake = public, public
	alice.create(GroupOptions{ID: []byte("fuzz")})
	s := &speech{alice: alice, bob: bob}
	p := alice.add(bob)
	s.messages = append(s.messages, p.Message(), p.Welcome().Message(), must(alice.g.GroupInfo(true))(t), carol.keyPackage(KeyPackageOptions{}).Message())
	m := must(alice.g.ProposeUpdate(LeafChange{}, nil, alice.saveMessage))(t)
	bob.mustReceive(m)
	s.messages = append(s.messages, m)
	p = bob.commit(CommitOptions{})
	alice.mustReceive(p.Message())
	s.messages = append(s.messages, p.Message())
	s.trees = append(s.trees, alice.g.Tree())
	s.valid = alice.send("hello")
	s.commit = must(alice.g.Commit(CommitOptions{}, alice.savePending))(t).Message()
	s.messages = append(s.messages, s.valid, s.commit)
	return s
}

func seeds(f *testing.F, all ...[]byte) {
	f.Helper()
	if len(all) == 0 {
		f.Fatal("no seeds")
	}
	for _, b := range all {
		f.Add(b)
	}
}

// within runs f in a test of its own, as what it calls wants one.
func within(f *testing.F, public bool) (s *speech) {
	f.Helper()
	s = speak(&testing.T{}, public)
	return s
}

func FuzzMessage(f *testing.F) {
	seeds(f, append(within(f, false).messages, within(f, true).messages...)...)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMessage(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("an error of no class for bytes: %v", err)
			}
			return
		}
		if !bytes.Equal(m.Bytes(), b) {
			t.Fatalf("two forms: %x, %x", m.Bytes(), b)
		}
	})
}

// twice checks that what a decoder takes has one form.
func twice[T encoder](f *testing.F, decode func(*reader) T) {
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader{b: bytes.Clone(b)}
		x := decode(&r)
		if r.end() == nil && !bytes.Equal(marshal(x), b) {
			t.Fatalf("two forms: %x, %x", marshal(x), b)
		}
	})
}

func FuzzRatchetTree(f *testing.F) {
	seeds(f, within(f, false).trees...)
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader{b: bytes.Clone(b)}
		tree := decodeRatchetTree(&r)
		if r.end() != nil {
			return
		}
		if !bytes.Equal(marshal(tree), b) {
			t.Fatalf("two forms: %x, %x", marshal(tree), b)
		}
		c := &Config{Validator: anybody{}}
		s := suiteFor(X25519AES128SHA256Ed25519, 0)
		if _, err := c.verifyTree(s, tree, []byte("fuzz"), nil); err != nil && CheckOf(err) == "" {
			t.Fatalf("an error of no check: %v", err)
		}
	})
}

func FuzzGroupSecrets(f *testing.F) {
	nonce := bytes.Repeat([]byte{1}, 32)
	seeds(f, marshal(&groupSecrets{joiner: nonce}), marshal(&groupSecrets{joiner: nonce, pathSecret: nonce,
		psks: []PSKID{{Type: PSKExternal, ID: []byte("x"), nonce: nonce}, {Type: PSKResumption, Usage: UsageBranch, GroupID: []byte("g"), Epoch: 1, nonce: nonce}}}))
	twice(f, decodeGroupSecrets)
}

func FuzzGroupInfo(f *testing.F) {
	s := within(f, false)
	seeds(f, s.messages[2][4:])
	twice(f, decodeGroupInfo)
}

func FuzzCommit(f *testing.F) {
	m, err := ParseMessage(within(f, true).commit)
	if err != nil {
		f.Fatal(err)
	}
	seeds(f, marshal(m.public.auth.content.commit))
	twice(f, decodeCommit)
}

func FuzzKeyPackage(f *testing.F) {
	seeds(f, within(f, false).messages[3][4:])
	twice(f, decodeKeyPackage)
}

// Whatever comes: an error of a known class or something verified, and the group is as it was.
func FuzzOpen(f *testing.F) {
	s := within(f, false)
	p := within(f, true)
	seeds(f, append(append(s.messages, p.messages...), s.valid, p.commit)...)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, x := range []*speech{s, p} {
			before := x.bob.g.Authenticator()
			m, err := ParseMessage(b)
			if err != nil {
				continue
			}
			v, err := x.bob.g.Open(m)
			var e *Error
			if (err == nil) == (v == nil) || err != nil && (!errors.As(err, &e) || classNames[e.Class] == "") {
				t.Fatalf("%v, %v", v, err)
			}
			if !bytes.Equal(x.bob.g.Authenticator(), before) {
				t.Fatal("the group has changed")
			}
			good, err := ParseMessage(x.valid)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := x.bob.g.Open(good); err != nil {
				t.Fatalf("a good message no longer opens: %v", err)
			}
		}
	})
}

// A record that was changed on disk is an error, or another group; never a panic.
func FuzzLoad(f *testing.F) {
	s := within(f, false)
	alice := s.alice
	for key, value := range alice.disk {
		f.Add(key, value)
		f.Add(key, value[:len(value)/2])
	}
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		records := maps.Clone(alice.disk)
		records[key] = value
		g, err := alice.cfg.Load(records)
		if err == nil && g.Size() < 0 {
			t.Fatal("impossible")
		}
	})
}

// The folders of seeds that fuzzing has filled must not go empty unseen.
func TestFuzzSeedsAreThere(t *testing.T) {
	if *update {
		s, p := speak(t, false), speak(t, true)
		for target, seeds := range map[string][][]byte{"FuzzMessage": s.messages, "FuzzOpen": append(p.messages, s.valid, s.commit), "FuzzRatchetTree": s.trees,
			"FuzzGroupInfo": {s.messages[2][4:]}, "FuzzKeyPackage": {s.messages[3][4:]}} {
			writeSeeds(t, target, seeds)
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "fuzz", "Fuzz*", "*"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d seeds in testdata/fuzz, %v", len(files), err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Size() == 0 {
			t.Errorf("%s is empty", f)
		}
	}
}

func writeSeeds(t *testing.T, target string, seeds [][]byte) {
	t.Helper()
	dir := filepath.Join("testdata", "fuzz", target)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, b := range seeds {
		text := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", b)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("seed-%d", i)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
