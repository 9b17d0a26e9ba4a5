// Judges states against one baseline and remembers what came out. A verdict
// depends on the control, the columns of the tables and registers it reads, how
// these were collected, and, if it asks for the time, the day; so hosts that
// look the same to a control cost one evaluation, however many they are.
// Columns that it only shows count where it found something to show.

#ifndef METSUKE_CONTROLLER_JUDGE_JUDGE_H_
#define METSUKE_CONTROLLER_JUDGE_JUDGE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/judge/baseline.h"
#include "controller/judge/score.h"
#include "controller/judge/views.h"
#include "controller/memo.h"
#include "controller/table_digests.h"

namespace metsuke {

// The canonical bytes of the table with this digest. Called from the thread
// that judges.
using BodySource =
    std::function<absl::StatusOr<std::string>(const std::string& digest)>;

// The bytes of the table, those of the empty table without asking `bodies`.
absl::StatusOr<std::string> ReadBody(const BodySource& bodies,
                                     const std::string& digest);

// One state held against the baseline.
struct JudgedState {
  // One for each control, in the order of the baseline.
  std::vector<std::shared_ptr<const Judgement>> judgements;
  Score score;
};

// For any number of threads.
class Judge {
 public:
  Judge(CompiledBaseline baseline, BodySource bodies);

  const CompiledBaseline& baseline() const { return baseline_; }

  // The rules that reports go by, as judges of their own, which have none.
  Judge& coming() { return *coming_; }
  Judge& stale() { return *stale_; }

  // Holds the state against the baseline on the UTC day of `now`; now() is the
  // midnight that began it, so a verdict is good for the whole day. A table or
  // register that is missing or whose body cannot be had makes the controls
  // that read it unknown. To judge a fleet, call it once for each distinct
  // state and let the hosts of a state share the result. Fails only when SQLite
  // cannot be had at all.
  absl::StatusOr<std::shared_ptr<const JudgedState>> State(
      const Digests& tables, int64_t now);

  // Evaluations that were not answered from memory, for measurements.
  uint64_t evaluations() const { return evaluations_; }

 private:
  class Session;

  // One that remembers the part of what others do.
  Judge(CompiledBaseline baseline, BodySource bodies, size_t part);
  std::string StateKey(const Digests& tables, int64_t midnight) const;
  absl::StatusOr<Tables> TakeTables();
  void GiveTables(Tables tables);

  const CompiledBaseline baseline_;
  const BodySource bodies_;
  std::unique_ptr<Judge> coming_, stale_;
  // What the controls read, and of each control the numbers of its views.
  struct Sees {
    std::vector<int> decides, reads;
  };
  Views views_;
  std::vector<Sees> sees_;
  // Tables and registers by which verdicts may differ.
  std::set<std::string> rests_on_;
  // What a body looks like in each view of its table, by table and digest.
  Memo<std::vector<std::string>> looks_;
  Memo<Judgement> judgements_;
  Memo<JudgedState> states_;
  std::atomic<uint64_t> evaluations_ = 0;
  std::mutex mutex_;
  // Databases that no thread uses just now.
  std::vector<Tables> idle_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_JUDGE_H_
