#include "collectors/journal_events.h"

#include <fmt/format.h>
#include <systemd/sd-journal.h>

#include <cstring>
#include <utility>

#include "collectors/event_reader.h"
#include "collectors/event_sums.h"
#include "collectors/journal.h"
#include "collectors/journal_record.h"
#include "collectors/own_event.h"
#include "collectors/uid_names.h"
#include "proto/instant.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using Clock = std::chrono::steady_clock;

// Records between two looks at the clock.
constexpr int kStride = 128;

absl::Status Sought(int code) { return JournalStatus(code, "seeking"); }

v1::Event Said(int64_t time, const std::string& detail) {
  return OwnEvent("systemd-journald", time, detail);
}

// That records after `from` and before `found` are not there any more.
v1::Event Gone(const JournalPosition& from, const JournalPosition& found) {
  const auto after = static_cast<int64_t>(from.time / 1'000'000);
  const auto before = static_cast<int64_t>(found.time / 1'000'000);
  return Said(before, fmt::format("records between {} and {} were gone before "
                                  "they could be read",
                                  Rfc3339(after), Rfc3339(before)));
}

// Stands at `from` or before the first record after it. Says in `heard` what is
// missing there: journald numbers the records of all its files in one row.
absl::Status Seek(const Journal& journal, const JournalPosition& from,
                  int64_t now, const HearLimits& limits, v1::Heard& heard) {
  sd_journal* const raw = journal.get();
  if (from.none()) {
    const int64_t first = std::max<int64_t>(0, now - limits.first);
    return Sought(sd_journal_seek_realtime_usec(
        raw, static_cast<uint64_t>(first) * 1'000'000));
  }
  const std::string cursor = from.Cursor();
  RETURN_IF_ERROR(Sought(sd_journal_seek_cursor(raw, cursor.c_str())));
  int code = sd_journal_next(raw);
  const bool there =
      code > 0 && sd_journal_test_cursor(raw, cursor.c_str()) > 0;
  if (there) code = sd_journal_next(raw);
  if (code <= 0) return JournalStatus(code, "reading");
  const auto found = journal.Position();
  const bool same_row = found && found->numbering == from.numbering;
  if (found && (same_row ? found->number > from.number + 1 : !there))
    *heard.add_events() = Gone(from, *found);
  // The next step goes to the record that was found.
  code = sd_journal_previous(raw);
  return code == 0 ? Sought(sd_journal_seek_head(raw))
                   : JournalStatus(code, "reading");
}

// Reads records of the programs that events come from.
class Listener {
 public:
  Listener(const Journal& journal, NameOfUid name_of, const HearLimits& limits)
      : journal_(journal),
        name_of_(std::move(name_of)),
        limits_(limits),
        until_(Clock::now() + limits.time) {}

  // Those alone are read, with `this_boot` only those of the boot that the host
  // is in. Matches of one field are alternatives; journald keeps an index of
  // them, so that the many records of other programs cost nothing.
  absl::Status Match(bool this_boot) const {
    for (const std::string_view name : EventIdentifiers())
      RETURN_IF_ERROR(Match(fmt::format("SYSLOG_IDENTIFIER={}", name)));
    if (!this_boot) return absl::OkStatus();
    std::string match = "_BOOT_ID=";
    for (const uint8_t byte : *journal_.boot())
      match += fmt::format("{:02x}", byte);
    return Match(match);
  }

  // From the next record on; `up_to_this_boot` ends at the first of that.
  absl::Status Listen(bool up_to_this_boot) {
    int code = 0;
    while (!more_ && (code = sd_journal_next(journal_.get())) > 0) {
      const auto position = journal_.Position();
      if (up_to_this_boot && position && position->boot == *journal_.boot())
        return absl::OkStatus();
      TakeRecord(journal_, kept_);
      if (auto event = ReadEvent(kept_.record, name_of_))
        sums_.Add(*std::move(event), kept_.record.pid);
      last_ = position;
      more_ = sums_.size() >= limits_.events ||
              (++count_ % kStride == 0 && Clock::now() > until_);
    }
    return JournalStatus(code, "reading");
  }

  // Whether there is more than the limits allow.
  bool more() const { return more_; }
  // The last record that was read.
  const std::optional<JournalPosition>& last() const { return last_; }
  // Adds what was heard.
  void Tell(v1::Heard& heard) {
    for (v1::Event& event : sums_.Take())
      *heard.add_events() = std::move(event);
  }

 private:
  absl::Status Match(const std::string& match) const {
    const int code =
        sd_journal_add_match(journal_.get(), match.data(), match.size());
    return JournalStatus(code, "matching");
  }

  const Journal& journal_;
  const NameOfUid name_of_;
  const HearLimits& limits_;
  const Clock::time_point until_;
  EventSums sums_;
  KeptRecord kept_;
  std::optional<JournalPosition> last_;
  int count_ = 0;
  bool more_ = false;
};

// The library leaves a file alone in which it met damage: then the journal ends
// earlier than it did.
void SayIfCut(const Journal& journal, const JournalPosition& end,
              v1::Heard& heard) {
  sd_journal_flush_matches(journal.get());
  const auto now = journal.GoToEnd();
  if (now && (now->numbering != end.numbering || now->number >= end.number))
    return;
  const auto time = static_cast<int64_t>(end.time / 1'000'000);
  *heard.add_events() =
      Said(time, fmt::format("a file of the journal is damaged: records before "
                             "{} could not be read",
                             Rfc3339(time)));
}

}  // namespace

absl::StatusOr<v1::Heard> HearJournal(const Host& host,
                                      const JournalPosition& from, int64_t now,
                                      const HearLimits& limits) {
  v1::Heard heard;
  const auto since = static_cast<int64_t>(from.time / 1'000'000);
  ASSIGN_OR_RETURN(
      const Journal journal,
      Journal::Open(host, [&](const std::string& path, int64_t modified,
                              const std::string& why) {
        // Of one that was changed before the last record, it was said already.
        if (modified >= since)
          *heard.add_events() =
              Said(modified, fmt::format("{} cannot be read: {}", path, why));
      }));
  const auto end = journal.GoToEnd();
  RETURN_IF_ERROR(Seek(journal, from, now, limits, heard));
  Listener listener(journal, ReadUidNames(host), limits);
  // Records are in the order of the clock, which may be behind after a boot: it
  // is read from its beginning, and from then on it alone.
  const bool other_boot =
      !from.none() && journal.boot() && from.boot != *journal.boot();
  const bool this_boot = !from.none() && !other_boot && journal.boot();
  RETURN_IF_ERROR(listener.Match(this_boot));
  RETURN_IF_ERROR(listener.Listen(other_boot));
  if (other_boot && !listener.more()) {
    sd_id128_t boot;
    memcpy(&boot, journal.boot()->data(), sizeof boot);
    sd_journal_flush_matches(journal.get());
    RETURN_IF_ERROR(Sought(sd_journal_seek_monotonic_usec(journal.get(), boot, 0)));
    RETURN_IF_ERROR(listener.Match(true));
    RETURN_IF_ERROR(listener.Listen(false));
  }
  heard.set_more(listener.more());
  if (!heard.more() && end) SayIfCut(journal, *end, heard);
  listener.Tell(heard);
  // What no event can come from is read as well, up to where the journal ended
  // when it was opened.
  const auto& last = listener.last();
  const bool ends_here =
      end && (!journal.boot() || end->boot == *journal.boot());
  const bool beyond = ends_here && !heard.more() &&
                      (!last || last->numbering != end->numbering ||
                       last->number < end->number);
  heard.set_position((beyond ? *end : last ? *last : from).Bytes());
  return heard;
}

}  // namespace metsuke
