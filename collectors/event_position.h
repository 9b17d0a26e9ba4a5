// Where to go on in the records of a host.

#ifndef METSUKE_COLLECTORS_EVENT_POSITION_H_
#define METSUKE_COLLECTORS_EVENT_POSITION_H_

#include <string>
#include <string_view>

#include "collectors/audit_position.h"
#include "collectors/journal_position.h"
#include "proto/collect.pb.h"

namespace metsuke {

struct EventPosition {
  JournalPosition journal;
  AuditPosition audit;

  bool operator==(const EventPosition&) const = default;

  // The ninety-six bytes as they are in memory, for the programs of one
  // machine.
  std::string Bytes() const;
  // What stands for the journal alone, sixty-four bytes, leaves the other at
  // its beginning; none of both when there are not as many.
  static EventPosition FromBytes(std::string_view bytes);
};
static_assert(sizeof(EventPosition) == 96);

// Where to go on after `collected`, the answer to a question from `before`;
// both are as Bytes has it. A part that says no place leaves it where it was.
std::string PositionAfter(const v1::Collected& collected,
                          std::string_view before);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_EVENT_POSITION_H_
