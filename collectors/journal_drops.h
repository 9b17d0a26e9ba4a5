// Records that were never kept, as those who keep records say of themselves in
// the journal: what came too fast for journald or rsyslog, and what the kernel's
// audit subsystem had no room for. What did not get from journald to the system
// logger, as some does at each boot, is in the journal, and is an event alone.

#ifndef METSUKE_COLLECTORS_JOURNAL_DROPS_H_
#define METSUKE_COLLECTORS_JOURNAL_DROPS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "collectors/gaps.h"
#include "collectors/host.h"
#include "collectors/journals.h"

namespace metsuke {

// Whose log lacks the records.
enum class DropOf { kJournal, kSyslog, kAudit };

// All that were dropped for one reason on one day of UTC.
struct JournalDrop {
  DropOf of = DropOf::kJournal;
  std::string why;     // as v1::Event::detail has it
  int64_t since = 0;   // the last record of the same writer before it, where
                       // that is known; else when it was first said
  int64_t until = 0;   // when it was last said
  uint64_t count = 0;  // how many; 0 where nobody counts them

  bool operator==(const JournalDrop&) const = default;
};

// Adds those of one day and reason up, in the order of time.
std::vector<JournalDrop> SumUp(const std::vector<JournalDrop>& drops);

// One as a line without its end, and back; nothing when it is none.
std::string ToText(const JournalDrop& drop);
std::vector<JournalDrop> DropsFromText(std::string_view lines);

// What `files`, those of one journal, say. Of those that are no longer written
// it is remembered. What cannot be read is told in `gaps`, and what was not: of a
// file in which very much was said, the latest of it is read.
std::vector<JournalDrop> FindDrops(const Host& host,
                                   const std::vector<JournalFile>& files,
                                   Gaps& gaps);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_JOURNAL_DROPS_H_
