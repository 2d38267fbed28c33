// Package vaulttest is the conformance suite of client.Vault: what a vault must do,
// whatever it is made of.
package vaulttest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"huisclos/client"
)

// Opener opens a vault; again is called after a Close and opens the same one.
type Opener func(t *testing.T) (v client.Vault, again func() client.Vault)

// Run runs the suite.
func Run(t *testing.T, open Opener) {
	t.Run("a record is read back", func(t *testing.T) { readBack(t, open) })
	t.Run("tables don't mix", func(t *testing.T) { tablesApart(t, open) })
	t.Run("scans are in order and bounded", func(t *testing.T) { scans(t, open) })
	t.Run("a failed transaction leaves nothing", func(t *testing.T) { atomic(t, open) })
	t.Run("what was kept is there after reopening", func(t *testing.T) { reopened(t, open) })
	t.Run("readers never see half a transaction", func(t *testing.T) { isolated(t, open) })
	t.Run("it behaves like a map", func(t *testing.T) { likeMap(t, open) })
	t.Run("scrubbing changes nothing", func(t *testing.T) { scrubbed(t, open) })
	t.Run("closed is closed", func(t *testing.T) { closed(t, open) })
}

func put(t *testing.T, v client.Vault, table client.Table, key, value string) {
	t.Helper()
	err := v.Update(client.Lazy, func(w client.Writer) error { return w.Put(table, []byte(key), []byte(value)) })
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

func scrubbed(t *testing.T, open Opener) {
	v, again := open(t)
	put(t, v, client.TableSelf, "a", "old")
	put(t, v, client.TableSelf, "a", "new")
	put(t, v, client.TablePeople, "b", "two")
	for range 2 {
		if err := v.Scrub(); err != nil {
			t.Fatal(err)
		}
		put(t, v, client.TableKeys, "c", "three")
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	v = again()
	for table, want := range map[client.Table][2]string{client.TableSelf: {"a", "new"}, client.TablePeople: {"b", "two"}, client.TableKeys: {"c", "three"}} {
		if got := get(t, v, table, want[0]); got != want[1] {
			t.Errorf("%s is %q, want %q", want[0], got, want[1])
		}
	}
}

func get(t *testing.T, v client.Vault, table client.Table, key string) string {
	t.Helper()
	var got []byte
	err := v.View(func(r client.Reader) (err error) {
		got, err = r.Get(table, []byte(key))
		return err
	})
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	return string(got)
}

// scan gathers "key=value".
func scan(t *testing.T, v client.Vault, table client.Table, from, to []byte, backwards bool, most int) []string {
	t.Helper()
	var got []string
	err := v.View(func(r client.Reader) error {
		return r.Scan(table, from, to, backwards, func(k, val []byte) (bool, error) {
			got = append(got, string(k)+"="+string(val))
			return len(got) < most, nil
		})
	})
	if err != nil {
		t.Fatalf("scan: %v", err)
	}
	return got
}

func readBack(t *testing.T, open Opener) {
	v, _ := open(t)
	if got := get(t, v, client.TableSelf, "a"); got != "" {
		t.Errorf("an absent record is %q", got)
	}
	put(t, v, client.TableSelf, "a", "1")
	put(t, v, client.TableSelf, "a", "2")
	if got := get(t, v, client.TableSelf, "a"); got != "2" {
		t.Errorf("got %q, want the last value", got)
	}
	large := bytes.Repeat([]byte("long "), 20_000)
	put(t, v, client.TableHistory, "large", string(large))
	if got := get(t, v, client.TableHistory, "large"); got != string(large) {
		t.Errorf("a large record came back with %d bytes", len(got))
	}
	for range 2 { // an absent one is no error
		if err := v.Update(client.Durable, func(w client.Writer) error { return w.Delete(client.TableSelf, []byte("a")) }); err != nil {
			t.Fatal(err)
		}
	}
	if got := get(t, v, client.TableSelf, "a"); got != "" {
		t.Errorf("a deleted record is %q", got)
	}
}

func tablesApart(t *testing.T, open Opener) {
	v, _ := open(t)
	for _, table := range client.Tables() {
		put(t, v, table, "k", fmt.Sprint(table))
	}
	for _, table := range client.Tables() {
		if got := scan(t, v, table, nil, nil, false, 10); !slices.Equal(got, []string{"k=" + fmt.Sprint(table)}) {
			t.Errorf("table %d holds %q", table, got)
		}
	}
}

func scans(t *testing.T, open Opener) {
	v, _ := open(t)
	for _, k := range []string{"b2", "a", "c\xff", "b1", "b", "c"} {
		put(t, v, client.TableRooms, k, "x"+k)
	}
	cases := []struct {
		from, to  []byte
		backwards bool
		most      int
		want      []string
	}{
		{nil, nil, false, 9, []string{"a", "b", "b1", "b2", "c", "c\xff"}},
		{nil, nil, true, 9, []string{"c\xff", "c", "b2", "b1", "b", "a"}},
		{[]byte("b"), []byte("c"), false, 9, []string{"b", "b1", "b2"}},
		{[]byte("b"), []byte("c"), true, 2, []string{"b2", "b1"}},
		{[]byte("b\x00"), nil, false, 1, []string{"b1"}},
		{[]byte("d"), nil, false, 9, nil},
		{[]byte("c"), []byte("b"), false, 9, nil},
	}
	for _, c := range cases {
		var want []string
		for _, k := range c.want {
			want = append(want, k+"=x"+k)
		}
		if got := scan(t, v, client.TableRooms, c.from, c.to, c.backwards, c.most); !slices.Equal(got, want) {
			t.Errorf("scan %q..%q backwards=%v: %q, want %q", c.from, c.to, c.backwards, got, want)
		}
	}
}

func atomic(t *testing.T, open Opener) {
	v, _ := open(t)
	put(t, v, client.TableKeys, "keep", "old")
	put(t, v, client.TableKeys, "gone", "old")
	failure := errors.New("no")
	err := v.Update(client.Durable, func(w client.Writer) error {
		for _, k := range []string{"keep", "new"} {
			if err := w.Put(client.TableKeys, []byte(k), []byte("new")); err != nil {
				return err
			}
		}
		if err := w.Delete(client.TableKeys, []byte("gone")); err != nil {
			return err
		}
		if got, _ := w.Get(client.TableKeys, []byte("new")); string(got) != "new" {
			t.Errorf("a transaction doesn't see its own change: %q", got)
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Fatalf("Update returned %v, want the error of its function", err)
	}
	if got := scan(t, v, client.TableKeys, nil, nil, false, 9); !slices.Equal(got, []string{"gone=old", "keep=old"}) {
		t.Errorf("after a failed transaction: %q", got)
	}
}

func reopened(t *testing.T, open Opener) {
	v, again := open(t)
	for i := range 100 {
		put(t, v, client.TableOutbox, fmt.Sprintf("%03d", i), fmt.Sprint(i))
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	v = again()
	if got := scan(t, v, client.TableOutbox, nil, nil, false, 1000); len(got) != 100 || got[42] != "042=42" {
		t.Errorf("after reopening: %d records", len(got))
	}
	if v.RolledBack() {
		t.Error("a vault that nobody touched counts as rolled back")
	}
}

func isolated(t *testing.T, open Opener) {
	v, _ := open(t)
	put(t, v, client.TableRooms, "a", "0")
	put(t, v, client.TableRooms, "b", "0")
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 50 {
			put2 := func(w client.Writer) error {
				if err := w.Put(client.TableRooms, []byte("a"), []byte(fmt.Sprint(i))); err != nil {
					return err
				}
				return w.Put(client.TableRooms, []byte("b"), []byte(fmt.Sprint(i)))
			}
			if err := v.Update(client.Lazy, put2); err != nil {
				t.Error(err)
			}
		}
	})
	for range 50 {
		if got := scan(t, v, client.TableRooms, nil, nil, false, 9); got[0][2:] != got[1][2:] {
			t.Errorf("half a transaction was seen: %q", got)
		}
	}
	wg.Wait()
}

// likeMap compares random transactions with the same on maps.
func likeMap(t *testing.T, open Opener) {
	v, _ := open(t)
	model := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		next := maps.Clone(model)
		fails := rapid.Bool().Draw(t, "fails")
		failure := errors.New("no")
		err := v.Update(client.Lazy, func(w client.Writer) error {
			for range rapid.IntRange(1, 5).Draw(t, "changes") {
				key := rapid.StringMatching(`[a-c]{1,2}`).Draw(t, "key")
				if rapid.Bool().Draw(t, "delete") {
					delete(next, key)
					if err := w.Delete(client.TablePeople, []byte(key)); err != nil {
						return err
					}
					continue
				}
				value := rapid.StringN(1, 20, 40).Draw(t, "value")
				next[key] = value
				if err := w.Put(client.TablePeople, []byte(key), []byte(value)); err != nil {
					return err
				}
			}
			if fails {
				return failure
			}
			return nil
		})
		if fails != (err != nil) {
			t.Fatalf("Update: %v", err)
		}
		if !fails {
			model = next
		}
		got := map[string]string{}
		err = v.View(func(r client.Reader) error {
			return r.Scan(client.TablePeople, nil, nil, false, func(k, val []byte) (bool, error) {
				got[string(k)] = string(val)
				return true, nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(model, got); diff != "" {
			t.Fatalf("differs from a map (-want +got):\n%s", diff)
		}
	})
}

func closed(t *testing.T, open Opener) {
	v, _ := open(t)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := v.View(func(client.Reader) error { return nil }); err == nil {
		t.Error("a closed vault can be read")
	}
	if err := v.Update(client.Lazy, func(client.Writer) error { return nil }); err == nil {
		t.Error("a closed vault can be written")
	}
	if err := v.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}
