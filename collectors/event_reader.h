// What a record of the journal says that happened.

#ifndef METSUKE_COLLECTORS_EVENT_READER_H_
#define METSUKE_COLLECTORS_EVENT_READER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "collectors/uid_names.h"
#include "proto/event.pb.h"

namespace metsuke {

// A record with what journald noted of its writer
// (systemd.journal-fields(7), the fields that begin with "_").
struct JournalRecord {
  // Chosen by the writer.
  std::string_view identifier;  // SYSLOG_IDENTIFIER
  std::string_view message;
  // Not chosen by it.
  std::string_view transport;   // "syslog", "journal", "driver", "stdout" …
  std::string_view exe, comm;   // empty when the writer was gone too soon
  std::string_view unit;        // the system's unit whose process it was
  uint32_t uid = UINT32_MAX;    // the real one
  std::optional<uint32_t> login_uid;
  uint64_t pid = 0;
  std::string_view boot;        // 32 hexadecimal digits
  uint64_t time = 0;            // microseconds since 1970-01-01 UTC
  uint64_t monotonic = 0;       // microseconds since the boot
};

// The values of SYSLOG_IDENTIFIER that an event can have.
std::span<const std::string_view> EventIdentifiers();

// Nothing when the record says of nothing, or when its writer is not who it
// says.
std::optional<v1::Event> ReadEvent(const JournalRecord& record,
                                   const NameOfUid& name_of);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_EVENT_READER_H_
