#include "agent/heard.h"

#include <string_view>
#include <utility>

#include "collectors/event_position.h"
#include "collectors/own_event.h"
#include "proto/event_words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

v1::Event Said(const std::string& detail, int64_t now) {
  return OwnEvent("metsuke-agent", now, detail);
}

// Why the journal could not be read; empty when it could.
std::string WhyUnread(const absl::StatusOr<v1::Collected>& collected) {
  if (!collected.ok())
    return "metsuke-collect cannot be asked: " + Message(collected.status());
  if (!collected->has_heard()) return "metsuke-collect did not answer for them";
  return collected->heard().unread();
}

// Says when `why` is another reason than `before`.
void Tell(std::string_view what, std::string_view over, const std::string& why,
          std::string& before, int64_t now, v1::Events& events) {
  const std::string last = std::exchange(before, why);
  if (why == last) return;
  *events.add_events() =
      Said(why.empty() ? std::string(over) : std::string(what) + why, now);
}

}  // namespace

HeardEvents TakeHeard(const absl::StatusOr<v1::Collected>& collected,
                      const std::string& position, Unread& unread,
                      int64_t now) {
  HeardEvents heard{.position = position};
  Tell(kEventsUnread, "events can be read again", WhyUnread(collected),
       unread.journal, now, heard.events);
  if (!collected.ok()) return heard;
  Tell("records of audit cannot be read: ", "records of audit can be read again",
       collected->audit().unread(), unread.audit, now, heard.events);
  for (const v1::Heard* part : {&collected->heard(), &collected->audit()}) {
    heard.events.mutable_events()->MergeFrom(part->events());
    heard.more = heard.more || part->more();
  }
  heard.position = PositionAfter(*collected, position);
  return heard;
}

}  // namespace metsuke
