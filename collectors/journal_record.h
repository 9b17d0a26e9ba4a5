// A record of the journal with the fields that events are told by.

#ifndef METSUKE_COLLECTORS_JOURNAL_RECORD_H_
#define METSUKE_COLLECTORS_JOURNAL_RECORD_H_

#include <string>

#include "collectors/event_reader.h"
#include "collectors/journal.h"

namespace metsuke {

// A record's fields, kept while others are read.
struct KeptRecord {
  std::string identifier, message, transport, exe, comm, unit, boot;
  JournalRecord record;
};

// Fills `kept` from the record that the journal stands at.
void TakeRecord(const Journal& journal, KeptRecord& kept);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_JOURNAL_RECORD_H_
