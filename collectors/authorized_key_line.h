// One line of an authorized_keys file, sshd(8) "AUTHORIZED_KEYS FILE FORMAT",
// read as OpenSSH reads it (auth2-pubkeyfile.c, sshkey.c).

#ifndef METSUKE_COLLECTORS_AUTHORIZED_KEY_LINE_H_
#define METSUKE_COLLECTORS_AUTHORIZED_KEY_LINE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace metsuke {

struct KeyLine {
  std::string options;      // as written
  std::string from;         // value of from=, unquoted
  std::string command;      // value of command=, unquoted
  std::string type;         // such as "ssh-ed25519"
  std::string fingerprint;  // "SHA256:…" as ssh-keygen -l has it
  uint32_t bits = 0;        // 0 for a type we do not know
  std::string comment;
};

// The key of `line`; nothing when sshd finds none in it: an empty line, a
// comment, a type that the data contradict, damaged data. A key of a type this
// program does not know is a key nevertheless.
std::optional<KeyLine> ParseKeyLine(std::string_view line);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUTHORIZED_KEY_LINE_H_
