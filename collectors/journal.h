// The host's own journal of systemd, read record by record.

#ifndef METSUKE_COLLECTORS_JOURNAL_H_
#define METSUKE_COLLECTORS_JOURNAL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "collectors/journal_position.h"

struct sd_journal;

namespace metsuke {

// A status with what the library was at; `code` is the negative errno of one of
// its functions. OK when it is none.
absl::Status JournalStatus(int code, const char* what);

class Journal {
 public:
  // Called with the path of a file that is no journal, when it was last changed,
  // in seconds since 1970-01-01 UTC, and why.
  using Damage = std::function<void(const std::string& path, int64_t modified,
                                    const std::string& why)>;

  // The journal of the system and of users; those of namespaces are others.
  // Files that are damaged are left out. NotFound when the host keeps none,
  // Unavailable when none of its files can be read or they change too fast.
  static absl::StatusOr<Journal> Open(const Host& host, const Damage& damage);

  // One file of any journal. NotFound when there is none.
  static absl::StatusOr<Journal> OpenOne(const Host& host,
                                         const std::string& path);

  // For the functions of the library that move it.
  sd_journal* get() const { return journal_.get(); }

  // The boot that the host is in, as the file tells that journald is writing;
  // nothing when there is none.
  const std::optional<JournalPosition::Id>& boot() const { return boot_; }

  // The field of the record it stands at; empty when it has none. It is good
  // until the next call.
  std::string_view Field(const char* name) const;

  // The record it stands at; nothing when it stands at none.
  std::optional<JournalPosition> Position() const;

  // Goes to the last record, which is where the journal ends at present; nothing
  // when it is empty.
  std::optional<JournalPosition> GoToEnd() const;

 private:
  using Handle = std::unique_ptr<sd_journal, void (*)(sd_journal*)>;

  Journal(Handle journal, std::optional<JournalPosition::Id> boot)
      : journal_(std::move(journal)), boot_(boot) {}

  Handle journal_;
  std::optional<JournalPosition::Id> boot_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_JOURNAL_H_
