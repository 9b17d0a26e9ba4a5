// Records of any program, with any text: what is read of them can be sent, and
// an ordinary user's process speaks of that user alone.

#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

#include "collectors/event_reader.h"
#include "collectors/event_sums.h"

namespace {

[[noreturn]] void Wrong() { abort(); }

// The bytes up to the next NUL.
std::string_view Next(std::string_view& bytes) {
  const size_t end = bytes.find('\0');
  const std::string_view text = bytes.substr(0, end);
  bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
  return text;
}

// Words that the sentences are made of: a byte below their number is one of
// them, any other is itself.
constexpr std::string_view kWords[] = {
    "Accepted ", "Failed ", "password", " for ", "invalid user ", " from ",
    "192.0.2.1", " port 5", " ssh2", ": ", "Connection closed by ",
    "authenticating user ", " [preauth]", "pam_unix(sshd:session): ",
    "session closed for user ", "(to ", ") ", " on ", "FAILED SU ", " : ",
    "TTY=pts/0", " ; ", "PWD=/", "USER=root", "COMMAND=/usr/bin/id",
    "3 incorrect password attempts", "new user: name=", ", ", "add '",
    "' to group '", "'", "change user '", " shell from '", "delete user '",
    "password for '", "' changed by '", "somebody", "root"};

std::string Spelled(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte != 0 && byte <= std::size(kWords))
      text += kWords[byte - 1];
    else
      text += c;
  }
  return text;
}

void Check(const metsuke::JournalRecord& record, const metsuke::v1::Event& event) {
  metsuke::v1::Event parsed;
  if (!parsed.ParseFromString(event.SerializeAsString())) Wrong();
  if (event.ByteSizeLong() > 4096 || event.id().size() != 16) Wrong();
  if (record.uid != 0 && event.kind() != "recorder" &&
      event.actor() != "somebody" && event.account() != "somebody")
    Wrong();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto names = metsuke::EventIdentifiers();
  metsuke::JournalRecord record;
  record.identifier = names[data[0] % names.size()];
  record.uid = data[1] % 2 == 0 ? 0 : 1000;
  record.transport = data[2] % 2 == 0 ? "syslog" : "driver";
  record.boot = "0ca1ad2c000000000000000000000001";
  record.time = 1'795'370'000'000'000;
  bytes.remove_prefix(3);
  const std::string exe = "/usr/bin/" + std::string(record.identifier);
  if (data[2] % 4 < 2) record.exe = exe;
  metsuke::EventSums sums;
  while (!bytes.empty()) {
    const std::string message = Spelled(Next(bytes));
    record.message = message;
    auto event = metsuke::ReadEvent(
        record, [](uint32_t uid) { return uid == 0 ? "root" : "somebody"; });
    if (!event) continue;
    Check(record, *event);
    sums.Add(*std::move(event), record.message.size() % 3);
  }
  for (const metsuke::v1::Event& event : sums.Take())
    if (event.count() == 0) Wrong();
  return 0;
}
