// Encoders: the only ways out for text that came from a host. Each takes any
// bytes and returns text that is safe where its name says.

#ifndef METSUKE_PROTO_ENCODE_H_
#define METSUKE_PROTO_ENCODE_H_

#include <string>

#include "proto/host_text.h"

namespace metsuke::enc {

// For a terminal. Control characters (C0, DEL, C1), bidirectional overrides
// and isolates, zero-width characters, U+FEFF, line and paragraph separators,
// unassigned code points and bytes that are not UTF-8 become "\xNN" or
// "\u{…}"; a backslash is doubled.
std::string Tty(const HostText& text);

// For one line of a log: as Tty, in one line by that.
std::string Log(const HostText& text);

// A JSON string (RFC 8259) with its quotes. Bytes that are not UTF-8 become
// U+FFFD, as JSON has no way to carry them; what Tty would not let through is
// escaped, which a parser undoes.
std::string Json(const HostText& text);

// One field of a CSV file (RFC 4180), always quoted; a field that a
// spreadsheet would take for a formula begins with an apostrophe. Bytes that
// are not UTF-8 become U+FFFD. CSV has no escapes: all else but NUL stays, so
// that for a terminal the text has to be what Tty makes of it.
std::string Csv(const HostText& text);

// Text or an attribute value in HTML.
std::string Html(const HostText& text);

// A double-quoted scalar of YAML 1.2; otherwise as Json.
std::string Yaml(const HostText& text);

}  // namespace metsuke::enc

#endif  // METSUKE_PROTO_ENCODE_H_
