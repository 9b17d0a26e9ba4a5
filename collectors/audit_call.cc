#include "collectors/audit_call.h"

#include <libaudit.h>

namespace metsuke {

AuditCall::AuditCall(const AuditFields& fields)
    : exe(fields.Text("exe")),
      key(fields.Keys()),
      uid(fields.Uid("uid")),
      euid(fields.Uid("euid")),
      login_uid(fields.Uid("auid")),
      pid(fields.Number("pid").value_or(0)),
      done(fields.Raw("success") == "yes") {
  const std::string exit = fields.Raw("exit");  // -EPERM, -EACCES
  refused = !done && (exit == "-1" || exit == "-13");
  // The first argument of openat(2) and the like is a descriptor, a small
  // number or AT_FDCWD; that of the others is an address.
  const std::string first = fields.Raw("a0");
  elsewhere_ = !first.empty() && first.size() <= 4;
}

void AuditCall::Add(int type, const AuditFields& fields) {
  if (type == AUDIT_EXECVE) executes = true;
  if (type == AUDIT_CWD) folder_ = fields.Text("cwd");
  if (type != AUDIT_PATH) return;
  // Of a rename the last is the name that it has now.
  const std::string name = fields.Text("name");
  if (name.empty() || fields.Raw("nametype") == "PARENT") return;
  object = name.front() == '/' || elsewhere_ ? name : folder_ + "/" + name;
}

bool AuditCall::IsTold() const {
  // What was not there, or is a mistake of the program, is no event.
  if (key.empty() || (!done && !refused)) return false;
  return executes ? login_uid.has_value() : !object.empty();
}

}  // namespace metsuke
