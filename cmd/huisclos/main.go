// Command huisclos is everything that a person uses: the chat, and the server.
package main

import "os"

func main() { os.Exit(run(os.Args[1:])) }
