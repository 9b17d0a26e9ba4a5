// A log of auditd with any lines: what is read of it can be sent.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

#include "collectors/audit_assembly.h"
#include "collectors/audit_event_reader.h"
#include "collectors/event_sums.h"

namespace {

[[noreturn]] void Wrong() { abort(); }

// Words that records are made of: a byte below their number is one of them, any
// other is itself.
constexpr std::string_view kWords[] = {"\n",
                                       "type=",
                                       "USER_START",
                                       "USER_END",
                                       "USER_AUTH",
                                       "USER_CMD",
                                       "CONFIG_CHANGE",
                                       "SYSCALL",
                                       "EXECVE",
                                       " msg=audit(1795393196.921:",
                                       "CWD",
                                       "PATH",
                                       "): ",
                                       "pid=",
                                       "uid=",
                                       "auid=1001 ",
                                       "msg='op=PAM:session_open ",
                                       "acct=\"root\" ",
                                       "exe=\"/usr/bin/sudo\" ",
                                       "res=success'",
                                       "res=failed'",
                                       "cmd=2F62696E2F",
                                       "key=\"k\"",
                                       "success=yes ",
                                       "exit=-13 ",
                                       "name=",
                                       "cwd=\"/etc\"",
                                       "nametype=CREATE",
                                       "node=a ",
                                       "1",
                                       "\x1d",
                                       "saddr=",
                                       "argc=2 a0=",
                                       "(null)"};

std::string Spelled(const uint8_t* data, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    if (data[i] < std::size(kWords))
      text += kWords[data[i]];
    else
      text += static_cast<char>(data[i]);
  }
  return text;
}

void Check(const metsuke::v1::Event& event) {
  metsuke::v1::Event parsed;
  if (!parsed.ParseFromString(event.SerializeAsString())) Wrong();
  if (event.ByteSizeLong() > 4096 || event.id().size() != 16) Wrong();
  if (event.kind().empty() || event.source() != "audit") Wrong();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string log = Spelled(data, size);
  metsuke::EventSums sums;
  metsuke::AuditEventReader reader(
      [](uint32_t uid) { return uid == 0 ? "root" : "somebody"; },
      [](uint64_t) { return "0ca1ad2c"; },
      [&](metsuke::v1::Event event, uint64_t process) {
        Check(event);
        sums.Add(std::move(event), process);
      });
  size_t told = 0, lines = 0;
  metsuke::AuditAssembly assembly(
      1795393196'921 + 2500, [&](std::string_view event) {
        told += static_cast<size_t>(
            std::count(event.begin(), event.end(), '\n'));
        reader.Read(event);
      });
  metsuke::AuditPlace place;
  uint64_t held = 0;
  std::string_view rest = log;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto read = metsuke::ReadAuditLine(line);
    if (!read) continue;
    reader.Remember(*read, line);
    assembly.Add(*read, line, place);
    place.position.offset += line.size() + 1;
    ++lines;
    // What was told is never read again.
    const uint64_t now = assembly.held() == nullptr
                             ? place.position.offset
                             : assembly.held()->position.offset;
    if (now < held) Wrong();
    held = now;
  }
  assembly.EndAll();
  if (assembly.held() != nullptr || told > lines) Wrong();
  for (const metsuke::v1::Event& event : sums.Take())
    if (event.count() == 0) Wrong();
  return 0;
}
