// Hosts held against the baseline, with waivers laid over what comes out.

#ifndef METSUKE_CONTROLLER_JUDGE_VERDICTS_H_
#define METSUKE_CONTROLLER_JUDGE_VERDICTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/judge/judge.h"
#include "controller/judge/waivers.h"
#include "controller/table_digests.h"
#include "proto/register.pb.h"

namespace metsuke {

// At one instant; for one thread at a time.
class Verdicts {
 public:
  // `judge` must outlive it. The registers are those of the instant, with their
  // digests.
  Verdicts(Judge& judge, BodySource bodies, TableDigests digests,
           const v1::Registers& registers, int64_t now)
      : judge_(judge),
        bodies_(std::move(bodies)),
        digests_(std::move(digests)),
        waivers_(registers, judge.baseline(), now),
        now_(now) {}

  // As Judge::State.
  absl::StatusOr<std::shared_ptr<const JudgedState>> Judged(
      const TableDigests& tables) {
    return judge_.State({tables, digests_}, now_);
  }

  // Whether a waiver speaks of the host with this id alone.
  bool IsApart(const std::string& host) const { return waivers_.ByHost(host); }

  // What is waived in the state on a host of this id; empty for what is waived
  // on all that are in the state, as labels are a part of it. Where they cannot
  // be read, nothing is waived by them.
  Waived WaivedOn(const TableDigests& tables, const JudgedState& judged,
                  const std::string& host);

  const CompiledBaseline& baseline() const { return judge_.baseline(); }

 private:
  Judge& judge_;
  const BodySource bodies_;
  const TableDigests digests_;
  const Waivers waivers_;
  const int64_t now_;
  // By the digest of the table.
  std::map<std::string, std::vector<std::string>> labels_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_VERDICTS_H_
