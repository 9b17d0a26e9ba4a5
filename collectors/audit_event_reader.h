// What the records of the kernel's audit subsystem say that happened.
//
// The kernel stamps each with the process, its uid and its login uid, which no
// process can change of itself, and takes records of programs only from who may
// write them (CAP_AUDIT_WRITE): of su and sudo they are what the journal's are
// not, more than the word of the user who called them.

#ifndef METSUKE_COLLECTORS_AUDIT_EVENT_READER_H_
#define METSUKE_COLLECTORS_AUDIT_EVENT_READER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "collectors/audit_line.h"
#include "collectors/uid_names.h"
#include "proto/event.pb.h"

namespace metsuke {

// The beginning of the id of the boot that a record of this time, in
// microseconds since 1970-01-01 UTC, is of; empty when that cannot be told.
using BootAt = std::function<std::string(uint64_t time)>;

// Called with an event and the process it is about.
using TakeAuditEvent = std::function<void(v1::Event event, uint64_t process)>;

class AuditEventReader {
 public:
  AuditEventReader(NameOfUid name_of, BootAt boot_at, TakeAuditEvent take);
  ~AuditEventReader();
  AuditEventReader(const AuditEventReader&) = delete;
  AuditEventReader& operator=(const AuditEventReader&) = delete;

  // False when nothing can be read for want of memory.
  bool good() const;

  // The lines of the next event, each with its newline.
  void Read(std::string_view lines);
  // A line of an event that was told long ago, for what it says of those that
  // follow: sudo says in one record what it runs, and in another that it does.
  void Remember(const AuditLine& read, std::string_view line);

 private:
  class Parser;

  std::unique_ptr<Parser> parser_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_EVENT_READER_H_
