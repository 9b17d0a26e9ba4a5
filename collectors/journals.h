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

// One file, from its header.
struct JournalFile {
  std::string path, name;
  int64_t size = 0;             // bytes
  std::optional<LogSpan> span;  // nothing without a record
  int64_t entries = 0;          // records
  bool sealed = false;
  // Records of all files that one journald writes are numbered in one row,
  // which has a name: of this file the first and the last.
  std::string numbering;  // 16 bytes
  uint64_t first = 0, last = 0;
  // Whether journald has neither closed it nor still writes to it: "~" ends the
  // name of a file that it found like that.
  bool torn = false;
  bool closed = false;  // whether journald has written it to its end
  std::string unread;  // why it has no header that can be read; else empty
};

// The files in `folder`, by name; `trouble` is told of those that have no
// header, and of them nothing but the name is known. NotFound when there is no
// such folder.
absl::StatusOr<std::vector<JournalFile>> ReadJournalFiles(
    const Host& host, const std::string& folder, const LogTrouble& trouble);

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
