#include "collectors/journal_record.h"

#include <systemd/sd-journal.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/words.h"

namespace metsuke {
namespace {

// The uid that a field tells; nothing when there is none or it is that of
// nobody (the kernel's word for a login uid that is not set).
std::optional<uint32_t> UidIn(std::string_view field) {
  const auto number = Number(field);
  if (!number || *number < 0 || *number >= UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

}  // namespace

void TakeRecord(const Journal& journal, KeptRecord& kept) {
  kept.identifier = journal.Field("SYSLOG_IDENTIFIER");
  kept.message = journal.Field("MESSAGE");
  kept.transport = journal.Field("_TRANSPORT");
  kept.exe = journal.Field("_EXE");
  kept.comm = journal.Field("_COMM");
  kept.unit = journal.Field("_SYSTEMD_UNIT");
  kept.boot = journal.Field("_BOOT_ID");
  JournalRecord& record = kept.record = JournalRecord();
  record.identifier = kept.identifier;
  record.message = kept.message;
  record.transport = kept.transport;
  record.exe = kept.exe;
  record.comm = kept.comm;
  record.unit = kept.unit;
  record.boot = kept.boot;
  record.uid = UidIn(journal.Field("_UID")).value_or(UINT32_MAX);
  record.login_uid = UidIn(journal.Field("_AUDIT_LOGINUID"));
  record.pid = static_cast<uint64_t>(Number(journal.Field("_PID")).value_or(0));
  sd_id128_t boot;
  sd_journal_get_realtime_usec(journal.get(), &record.time);
  sd_journal_get_monotonic_usec(journal.get(), &record.monotonic, &boot);
}

}  // namespace metsuke
