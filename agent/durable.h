// Files that are there as a whole or not at all, also after the machine lost
// power in the middle.

#ifndef METSUKE_AGENT_DURABLE_H_
#define METSUKE_AGENT_DURABLE_H_

#include <boost/filesystem/path.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace metsuke {

// Makes the folder, 0700, if it is not there. An error when something else
// stands there or when others may enter it.
absl::Status MakePrivateFolder(const boost::filesystem::path& folder);

// Puts a file with this content, 0600, at `path`, in place of what stood
// there: written under another name ending in ".tmp", synced, renamed, and the
// folder synced. After an error `path` is as it was, unless the error came
// from the sync of the folder itself.
absl::Status WriteDurably(const boost::filesystem::path& path,
                          std::string_view bytes);

// Renames durably within one folder tree on one file system.
absl::Status RenameDurably(const boost::filesystem::path& from,
                           const boost::filesystem::path& to);

// Syncs the folder, so that removals and renames in it last.
absl::Status SyncFolder(const boost::filesystem::path& folder);

// The content of a file of ours, at most `cap` bytes; NotFound when there is
// none, ResourceExhausted when it is longer.
absl::StatusOr<std::string> ReadOwn(const boost::filesystem::path& path,
                                    uint64_t cap);

// Bytes of disk that a file of `size` bytes takes, in blocks of 4 KiB.
uint64_t OnDisk(uint64_t size);

}  // namespace metsuke

#endif  // METSUKE_AGENT_DURABLE_H_
