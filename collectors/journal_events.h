// Reads on in the host's journal for what happened.

#ifndef METSUKE_COLLECTORS_JOURNAL_EVENTS_H_
#define METSUKE_COLLECTORS_JOURNAL_EVENTS_H_

#include <chrono>
#include <cstddef>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "collectors/journal_position.h"
#include "proto/collect.pb.h"

namespace metsuke {

struct HearLimits {
  size_t events = 1000;
  // What is not read by then is for the next call.
  std::chrono::milliseconds time{2000};
  // Where to begin without a position: this long before now, in seconds.
  int64_t first = 7 * 86400;
};

// What happened after the record at `from`. When the journal no longer has
// that record, an event says since when nothing is known. NotFound when the
// host keeps no journal; `now` is in seconds since 1970-01-01 UTC.
absl::StatusOr<v1::Heard> HearJournal(const Host& host,
                                      const JournalPosition& from, int64_t now,
                                      const HearLimits& limits = {});

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_JOURNAL_EVENTS_H_
