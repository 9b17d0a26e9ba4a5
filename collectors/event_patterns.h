// The sentences by which programs tell what happened.

#ifndef METSUKE_COLLECTORS_EVENT_PATTERNS_H_
#define METSUKE_COLLECTORS_EVENT_PATTERNS_H_

#include <span>
#include <string_view>

namespace metsuke {

// A sentence of one program.
struct EventPattern {
  // SYSLOG_IDENTIFIER; those of OpenSSH's programs stand for one another.
  std::string_view identifier;
  // RE2, for the whole message. A named group goes to the field of v1::Event
  // with its name; `group` and `program` become words of `detail`.
  const char* sentence;
  // The kind is empty when the sentence says of nothing.
  std::string_view kind, service;
  // Of v1::Event, with "{}" for what `group`, `program` or `detail` matched;
  // empty for that alone.
  std::string_view detail = "";
  // Of v1::Event, where no group tells it.
  std::string_view method = "";
};

// All of them; those of one program are tried in this order.
std::span<const EventPattern> EventPatterns();

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_EVENT_PATTERNS_H_
