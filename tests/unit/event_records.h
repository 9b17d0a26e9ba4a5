// Records of the journal as programs of root write them.

#ifndef METSUKE_TESTS_UNIT_EVENT_RECORDS_H_
#define METSUKE_TESTS_UNIT_EVENT_RECORDS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "collectors/event_reader.h"

namespace metsuke {

inline std::string NameOf(uint32_t uid) {
  return uid == 0 ? "root" : uid == 1000 ? "alice" : std::to_string(uid);
}

inline JournalRecord By(std::string_view program, std::string_view exe,
                        std::string_view message) {
  JournalRecord record;
  record.identifier = program;
  record.message = message;
  record.transport = "syslog";
  record.exe = exe;
  record.uid = 0;
  record.pid = 74;
  record.boot = "0ca1ad2c000000000000000000000001";
  record.time = 1'795'370'000'000'000;
  return record;
}

inline JournalRecord Sshd(std::string_view message) {
  return By("sshd", "/usr/sbin/sshd", message);
}

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_EVENT_RECORDS_H_
