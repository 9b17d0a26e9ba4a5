// Files of a journal that do not pass `journalctl --verify`: libsystemd has no
// function for it.

#ifndef METSUKE_COLLECTORS_JOURNAL_DAMAGE_H_
#define METSUKE_COLLECTORS_JOURNAL_DAMAGE_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/gaps.h"
#include "collectors/host.h"
#include "collectors/journals.h"

namespace metsuke {

// What one run of the collector may spend on all journals together. Of a larger
// file it is told that it was not verified.
struct VerifyBudget {
  static constexpr int64_t kMost = 256 << 20;  // bytes
  int64_t bytes = kMost;
  std::chrono::steady_clock::time_point until;
};

// What `printed`, the words of `journalctl --verify`, says of the one file it
// was given: why it does not pass; empty when it does. Unavailable with the
// reason when it could not be verified.
absl::StatusOr<std::string> ReadVerification(std::string_view printed,
                                             const std::string& path);

// A file that does not pass, one of those that FindDamage was given.
struct JournalDamage {
  const JournalFile* file;
  std::string why;  // as ReadVerification has it
};

// The files that do not pass, the newest first. Those are looked at that journald
// no longer writes: what it is writing is never whole. Each is verified once
// while it stays as it is. In `gaps`, of the column `damage`, is told under the
// name `journal` what was not verified, and why.
std::vector<JournalDamage> FindDamage(const Host& host,
                                      const std::string& journal,
                                      const std::vector<JournalFile>& files,
                                      VerifyBudget& budget, Gaps& gaps);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_JOURNAL_DAMAGE_H_
