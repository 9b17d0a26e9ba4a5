// The local account database: passwd(5) and group(5), read as the C library
// reads them (nss/nss_files of glibc), because what it accepts is what can log
// in: leading blanks, a missing home, a uid with a plus sign are all accepted,
// and a line whose uid is no number is no account.

#ifndef METSUKE_COLLECTORS_PASSWD_H_
#define METSUKE_COLLECTORS_PASSWD_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"

namespace metsuke {

// One line of /etc/passwd.
struct PasswdEntry {
  std::string name;
  // The second field: "x" sends the reader to /etc/shadow. May hold a hash, so
  // it is to be classified (collectors/shadow.h) and never shown.
  std::string password;
  uint32_t uid, gid;
  std::string comment, home, shell;
};

// One line of /etc/group.
struct GroupEntry {
  std::string name;
  uint32_t gid;
  std::vector<std::string> members;  // as written
};

// The accounts in `text`, in its order. A "+" or "-" line, which asks for
// accounts of NIS (nsswitch.conf(5), "compat"), is left out and counted in
// `*foreign`.
std::vector<PasswdEntry> ParsePasswd(std::string_view text, int* foreign);

// The same of /etc/group.
std::vector<GroupEntry> ParseGroup(std::string_view text, int* foreign);

// The number glibc reads from a field such as a uid: leading blanks and a sign
// are allowed. False when the field is no number as a whole or has more than
// 32 bits, as "-1" does.
bool ParseId(const std::string& field, uint32_t* id);

// `text` cut at each `separator`, at most `limit` pieces.
std::vector<std::string> SplitFields(std::string_view text, char separator,
                                     size_t limit = SIZE_MAX);

// Takes the next line off `text`, without its end. False when nothing is left.
bool NextLine(std::string_view& text, std::string_view& line);

// Bytes that are read of a file of the account database.
inline constexpr size_t kAccountFileCap = 16 << 20;

// The accounts of /etc/passwd; the errors of Host::Read.
absl::StatusOr<std::vector<PasswdEntry>> ReadPasswd(const Host& host,
                                                    int* foreign);

// The groups of /etc/group; the errors of Host::Read.
absl::StatusOr<std::vector<GroupEntry>> ReadGroups(const Host& host,
                                                   int* foreign);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_PASSWD_H_
