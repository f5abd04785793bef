// Verifies a log with Go's own note and tlog packages (golang.org/x/mod/sumdb), which know nothing of this registry.
//
//	check KEY FOLDER INDEX ENTRY OLD   exits with 0 if the entry stands at the index and the log goes on from OLD
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string) []byte {
	content, err := os.ReadFile(path)
	check(err)
	return content
}

// opened returns the tree of a signed checkpoint.
func opened(content []byte, key string) tlog.Tree {
	verifier, err := note.NewVerifier(key)
	check(err)
	signed, err := note.Open(content, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		check(fmt.Errorf("no checkpoint of %s", verifier.Name()))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err)
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree
}

// tiles reads tiles from files; tlog itself sees that they belong to the tree.
type tiles string

func (folder tiles) Height() int { return 8 }

func (folder tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (folder tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		// Go's names have the height before the level, C2SP's do not.
		content, err := os.ReadFile(filepath.Join(string(folder), strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		found = append(found, content)
	}
	return found, nil
}

func main() {
	key, folder, entry := os.Args[1], os.Args[2], read(os.Args[4])
	index, err := strconv.ParseInt(os.Args[3], 10, 64)
	check(err)
	tree := opened(read(filepath.Join(folder, "checkpoint")), key)
	old := opened(read(os.Args[5]), key)
	hashes := tlog.TileHashReader(tree, tiles(folder))

	inclusion, err := tlog.ProveRecord(tree.N, index, hashes)
	check(err)
	check(tlog.CheckRecord(inclusion, tree.N, tree.Hash, index, tlog.RecordHash(entry)))
	consistency, err := tlog.ProveTree(tree.N, old.N, hashes)
	check(err)
	check(tlog.CheckTree(consistency, tree.N, tree.Hash, old.N, old.Hash))

	// The proof file that we wrote holds the same proof, under the same checkpoint.
	proof := read(os.Args[6])
	head, signed, _ := bytes.Cut(proof, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	var ours tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		check(err)
		ours = append(ours, hash)
	}
	proven := opened(signed, key)
	check(tlog.CheckRecord(ours, proven.N, proven.Hash, index, tlog.RecordHash(entry)))
}
