// The places of text logs, looked at for their times.

#ifndef METSUKE_COLLECTORS_LOG_PLACES_H_
#define METSUKE_COLLECTORS_LOG_PLACES_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "collectors/log_reader.h"
#include "collectors/log_rhythm.h"
#include "collectors/log_time.h"

namespace metsuke {

// The lines that begin in the first `own` bytes of `text`; what follows is the
// rest of the last one. A line's time alone that neither the line before nor
// the one after bears out is taken for something its writer quoted.
std::optional<LogPlace> LookAtText(std::string_view text, size_t own,
                                   const Zone& zone, int64_t modified,
                                   int64_t least);

// The rhythm of one file. Of a plain one blocks are read here and there; a
// compressed one is unpacked from its beginning. Not whole when `budget` is
// spent before it is through.
absl::StatusOr<Rhythm> ReadRhythm(const Host& host, const LogPiece& piece,
                                  const Zone& zone, int64_t least,
                                  LogBudget& budget);

// How a text begins that somebody cut off at its beginning.
struct Cut {
  // Bytes without a value in front of the first line: what is left when a file
  // is emptied while its writer goes on at the offset that it had.
  int64_t zeros = 0;
  bool in_a_line = false;  // its first line has lost its beginning
};
absl::StatusOr<Cut> LookForCut(const Host& host, const LogPiece& piece,
                               const Zone& zone);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_PLACES_H_
