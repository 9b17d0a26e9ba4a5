// Where programs that a collector runs may put files of their own.

#ifndef METSUKE_COLLECTORS_TEMPORARY_FOLDER_H_
#define METSUKE_COLLECTORS_TEMPORARY_FOLDER_H_

#include <unistd.h>

#include <string>

#include "collectors/host.h"

namespace metsuke {

// For RunOptions::temporary: in the sandbox of metsuke-collect.service the only
// folder one can write in; empty where it is not there or not ours.
inline std::string TemporaryFolder(const Host& host) {
  constexpr char kFolder[] = "/run/metsuke-temporary";
  // It changes whenever a program uses it.
  const Host::Unrecorded unrecorded(host);
  const auto folder = host.Stat(kFolder);
  return folder.ok() && folder->uid == geteuid() ? kFolder : "";
}

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_TEMPORARY_FOLDER_H_
