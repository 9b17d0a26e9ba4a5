// What a collector has read: each file and folder with the signature it had,
// and each one that was missing. While all of it is as it was, the collector
// would find the same again and need not run.
//
// A signature is trusted only if the file had been left alone for a second
// when it was read: a later write within the same tick of the file system's
// clock would leave the same times.

#ifndef METSUKE_COLLECTORS_RECORDING_H_
#define METSUKE_COLLECTORS_RECORDING_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "proto/collect.pb.h"

namespace metsuke {

class Recording {
 public:
  Recording() = default;
  // One that ToProto wrote.
  explicit Recording(v1::Recorded recorded);

  // Whether something was read that has no time of change.
  bool live() const { return recorded_.live(); }
  void SetLive();

  // Remembers which heartbeat was looked for.
  void LookedFor(uint64_t heartbeat) { recorded_.set_heartbeat(heartbeat); }

  // Remembers what the kernel answered over netlink.
  void Asked(std::string_view name, int protocol, std::string_view request,
             const absl::StatusOr<std::string>& answer);

  // Adds what `other` saw and asked; live when it is.
  void Add(const Recording& other);

  // Remembers what a program answered that reads `inputs`, or what was found in
  // them, unless they are live.
  void Answered(const std::vector<std::string>& argv, const std::string& output,
                const Recording& inputs);
  // The answer to `argv`; null when there is none.
  const v1::Answer* AnswerTo(const std::vector<std::string>& argv) const;

  // Remembers that `info` was what stood at `path` below `home` (empty for a
  // system path), or why nothing could be seen there. More than 20,000 of them
  // make it live.
  void Saw(std::string_view home, std::string_view path, bool followed,
           const absl::StatusOr<FileInfo>& info);

  const v1::Recorded& ToProto() const { return recorded_; }

 private:
  void Add(const v1::Sighting& sighting);

  v1::Recorded recorded_;
  std::set<std::string> known_;
  // The places of answers, by the question.
  std::map<std::vector<std::string>, int> answers_;
};

// Whether `was` would be answered by `answer`.
bool HasAnswer(const v1::Question& was,
               const absl::StatusOr<std::string>& answer);

// How `info` is remembered; home, path and followed are left empty.
v1::Sighting Signature(const absl::StatusOr<FileInfo>& info);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_RECORDING_H_
