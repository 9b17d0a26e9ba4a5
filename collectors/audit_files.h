// The files of the log of auditd, by whatever they are rotated.

#ifndef METSUKE_COLLECTORS_AUDIT_FILES_H_
#define METSUKE_COLLECTORS_AUDIT_FILES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collectors/host.h"

namespace metsuke {

struct AuditFile {
  std::string path;
  FileInfo info;
};

// The log and what it was rotated into, the oldest first. NotFound when there
// is none.
absl::StatusOr<std::vector<AuditFile>> FindAuditFiles(const Host& host);

// Reads such files as if none were compressed.
class AuditFileReader {
 public:
  explicit AuditFileReader(const Host& host) : host_(host) {}

  // Less than `length` at the end of what there is.
  absl::StatusOr<std::string> Read(const AuditFile& file, uint64_t at,
                                   size_t length);
  // 0 for one that cannot be unpacked.
  uint64_t SizeOf(const AuditFile& file);
  // Why the end of the file that was read last, or all of it, is not there;
  // empty when it is.
  std::string Missing(const AuditFile& file) const;

 private:
  absl::Status Unpack(const AuditFile& file);

  const Host& host_;
  std::string unpacked_, bytes_, missing_;  // the one that was unpacked last
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_FILES_H_
