// What the times in a log's own records say is missing of it.

#ifndef METSUKE_COLLECTORS_LOG_PAUSES_H_
#define METSUKE_COLLECTORS_LOG_PAUSES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/gaps.h"
#include "collectors/host.h"
#include "collectors/log_rhythm.h"
#include "collectors/log_streams.h"
#include "collectors/log_time.h"

namespace metsuke {

// For as long after its last change, in seconds, a file that was rotated may still
// be being written: compressed, or closed by journald.
inline constexpr int64_t kStillWritten = 600;

// Something that is missing, or a doubt about the order, for a row of log_gaps.
struct LogPause {
  int64_t since, until;
  std::string reason;
};

// Whether root's own loggers write this log and nobody else may write below its
// folder: one in which a host that is on is never silent for long, and which is
// in the order of time. No other text is looked through, as who may write to a
// log decides what reading it costs.
bool IsOfTheSystem(std::string_view path);

// What is told of a log whose rhythm `read` returns, which is given the least
// silence to look for. Silences from an hour on are told when the log's own
// rhythm makes them implausible and the host was not off. That time went back is
// told unless it did so at a boot or as a summer time ends, and not of a log in
// which it often does.
std::vector<LogPause> FindLogPauses(
    const Zone& zone, const std::vector<Pause>& off,
    const std::function<Rhythm(int64_t least)>& read);

// The rhythm of one log from those of its files, given from the oldest on: of
// the newest as far back as `read` can read each as a whole. Why not further is
// told in `gaps` under the name `log`. `what` and `least` tell apart what is
// remembered of files that no longer change.
Rhythm ReadFiles(const Host& host, const std::string& log,
                 const std::vector<std::string>& paths, const std::string& what,
                 int64_t least, Gaps& gaps,
                 const std::function<absl::StatusOr<Rhythm>(size_t)>& read);

// Reads the logs of one look.
class LogPauses {
 public:
  // All but `off` must outlive it.
  LogPauses(const Host& host, const Zone& zone, std::vector<Pause> off,
            LogBudget& budget, Gaps& gaps);

  // What is told of a text log of the system: FindLogPauses, but for the day
  // before and the day after the host was given its zone, and how its current
  // file begins.
  std::vector<LogPause> Of(const LogStream& stream);

 private:
  void AddCut(const std::vector<LogPiece>& pieces,
              std::vector<LogPause>& found);

  const Host& host_;
  const Zone& zone_;
  const std::string zone_name_;
  const int64_t zone_set_;
  const std::vector<Pause> off_;
  LogBudget& budget_;
  Gaps& gaps_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_PAUSES_H_
