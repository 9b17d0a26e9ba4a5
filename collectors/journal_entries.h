// The entries of a journal file, by their number in it. libsystemd can find
// them too, but not without opening all files of a folder, and not in a way
// that tells whether the next look would find the same.

#ifndef METSUKE_COLLECTORS_JOURNAL_ENTRIES_H_
#define METSUKE_COLLECTORS_JOURNAL_ENTRIES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "collectors/log_rhythm.h"

namespace metsuke {

// The rhythm of one journal file, and the boots it was written in.
// InvalidArgument when it is no journal. Takes the looks off `left`.
absl::StatusOr<Rhythm> ReadJournalRhythm(const Host& host,
                                         const std::string& path, int64_t least,
                                         size_t& left);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_JOURNAL_ENTRIES_H_
