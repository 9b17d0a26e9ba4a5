// Accounts in place of the machine's, for this process and those it starts.

#ifndef METSUKE_TESTS_UNIT_MOUNTED_ACCOUNTS_H_
#define METSUKE_TESTS_UNIT_MOUNTED_ACCOUNTS_H_

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <string>

#include "tests/unit/host_folder.h"

namespace metsuke {

class MountedAccounts {
 public:
  MountedAccounts(const std::string& passwd, const std::string& group) {
    folder_.Write("passwd", passwd);
    folder_.Write("group", group);
    mkdir("/run/sshd", 0755);  // sshd asks for it even to test
    ok_ = unshare(CLONE_NEWNS) == 0 &&
          mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
          Bind("passwd") && Bind("group");
  }
  ~MountedAccounts() {
    umount2("/etc/passwd", MNT_DETACH);
    umount2("/etc/group", MNT_DETACH);
  }
  // Otherwise errno says why not; it takes root.
  bool ok() const { return ok_; }

 private:
  bool Bind(const std::string& name) {
    return mount((folder_.path() / name).c_str(), ("/etc/" + name).c_str(),
                 nullptr, MS_BIND, nullptr) == 0;
  }
  HostFolder folder_;
  bool ok_ = false;
};

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_MOUNTED_ACCOUNTS_H_
