// Records of a journal that are in no file.

#ifndef METSUKE_COLLECTORS_JOURNAL_HOLES_H_
#define METSUKE_COLLECTORS_JOURNAL_HOLES_H_

#include <cstdint>
#include <vector>

#include "collectors/journals.h"

namespace metsuke {

// `first` to `last` are in no file, between two times in seconds since
// 1970-01-01 UTC.
struct JournalHole {
  uint64_t first, last;
  int64_t since, until;
};

// What the numbers in the headers of a namespace's files leave out. journald
// counts the records of all files that it writes, but where it is of version 252
// (Debian 12; no more in 257) the files of each user bear a row's name of their
// own: numbers that one row leaves
// out and a file of another has at that time are not missing.
std::vector<JournalHole> FindHoles(std::vector<JournalFile> files);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_JOURNAL_HOLES_H_
