#include "agent/heard.h"

#include <utility>

#include "collectors/own_event.h"
#include "proto/event_words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

v1::Event Said(const std::string& detail, int64_t now) {
  return OwnEvent("metsuke-agent", now, detail);
}

// Why nothing could be read; empty when it could.
std::string WhyUnread(const absl::StatusOr<v1::Collected>& collected) {
  if (!collected.ok())
    return "metsuke-collect cannot be asked: " + Message(collected.status());
  if (!collected->has_heard()) return "metsuke-collect did not answer for them";
  return collected->heard().unread();
}

}  // namespace

HeardEvents TakeHeard(const absl::StatusOr<v1::Collected>& collected,
                      std::string& unread, int64_t now) {
  HeardEvents heard;
  const std::string why = WhyUnread(collected);
  const std::string before = std::exchange(unread, why);
  if (!why.empty()) {
    if (why != before)
      *heard.events.add_events() = Said(std::string(kEventsUnread) + why, now);
    return heard;
  }
  if (!before.empty())
    *heard.events.add_events() = Said("events can be read again", now);
  heard.events.mutable_events()->MergeFrom(collected->heard().events());
  heard.position = collected->heard().position();
  heard.more = collected->heard().more();
  return heard;
}

}  // namespace metsuke
