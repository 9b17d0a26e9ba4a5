#include "agent/heard.h"

#include <utility>

#include "collectors/event_reader.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// What the agent itself has to say about the reading of events.
v1::Event Said(const std::string& detail, int64_t now) {
  v1::Event event;
  event.set_time(now);
  event.set_kind("recorder");
  event.set_service("metsuke-agent");
  event.set_detail(detail);
  event.set_count(1);
  event.set_source("agent");
  event.set_id(EventId(static_cast<uint64_t>(now) * 1'000'000, detail));
  return event;
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
      *heard.events.add_events() = Said("events cannot be read: " + why, now);
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
