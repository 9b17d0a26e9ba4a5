// A system call that a rule recorded, put together from its records.

#ifndef METSUKE_COLLECTORS_AUDIT_CALL_H_
#define METSUKE_COLLECTORS_AUDIT_CALL_H_

#include <cstdint>
#include <optional>
#include <string>

#include "collectors/audit_fields.h"

namespace metsuke {

struct AuditCall {
  // From its first record, SYSCALL.
  explicit AuditCall(const AuditFields& fields);

  // Adds what another of its records says; `type` is one of EXECVE, CWD and
  // PATH as libaudit numbers them.
  void Add(int type, const AuditFields& fields);

  // Whether it is an event: under a rule with a key, done or refused, of
  // somebody who had logged in where a program was run, and else about a file.
  bool IsTold() const;

  std::string exe, key;
  std::string object;  // the path as the program gave it; whole where it can be
  std::optional<uint32_t> uid, euid, login_uid;
  uint64_t pid = 0;
  bool done = false, refused = false, executes = false;

 private:
  std::string folder_;  // of the process
  // Paths begin in a folder that the program has open, not in that of the
  // process.
  bool elsewhere_ = false;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_CALL_H_
