// The journals of systemd that a host keeps, by the headers of their files.

#ifndef METSUKE_COLLECTORS_JOURNALS_H_
#define METSUKE_COLLECTORS_JOURNALS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "collectors/log_reader.h"

namespace metsuke {

// A folder of journal files that belongs to this host.
struct JournalFolder {
  std::string path;
  std::string space;  // the namespace; empty for the host's own journal
};

// The folders below /var/log/journal and /run/log/journal that bear the host's
// machine id; journals of a namespace stand in one with "." and its name behind
// that. `trouble` is told where there may be others.
std::vector<JournalFolder> FindJournals(const Host& host,
                                        const LogTrouble& trouble);

// The files of the system or those of users in one folder.
struct JournalStream {
  const char* name;  // "system.journal" or "user-*.journal"
  uint32_t files = 0;
  int64_t size = 0, entries = 0;  // bytes, records
  std::optional<LogSpan> span;    // nothing without a record
  bool sealed = true;             // all of the files are
  // Of the current file or else of the first; journald makes them alike.
  std::optional<FileInfo> info;
  std::string unread;  // why the first that could not be read was not
};

// Reads the headers of the files in `folder`; `trouble` is told of those that
// have none. NotFound when there is no such folder.
absl::StatusOr<std::vector<JournalStream>> ReadJournals(
    const Host& host, const std::string& folder, const LogTrouble& trouble);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_JOURNALS_H_
