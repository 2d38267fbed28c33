// Package line is the face of the client that writes lines: on a terminal, with an editor at
// the bottom and the conversation above it, and plainly, for pipes and screen readers.
//
// What it guarantees:
//
//   - A message is shown once, in the order of its room's log. One's own
//     stands above the line, faint, until it is durable on the server; what was shown as sent is sent.
//   - What other people wrote can't act on the terminal or pass for something else: controls, escape sequences
//     and characters that reorder text are made visible (edit.Safe), names were checked by the client,
//     and what the program says looks different from what people say.
//   - What is pasted is never taken for commands: several lines are one message.
//   - In a pipe nothing but messages goes to the output, `[#room] name: text`, and each line of the input is a message, in
//     order; the end waits until all are durable.
//
// It reads neither the network nor the vault, only client.API; the words come from internal/i18n.
package line
