// A baseline: the controls that operators write in YAML files. What loads,
// works: its queries fit the schema, and each control has been seen to fail
// and to pass.

#ifndef METSUKE_CONTROLLER_JUDGE_BASELINE_H_
#define METSUKE_CONTROLLER_JUDGE_BASELINE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/judge/evaluate.h"
#include "proto/baseline.pb.h"
#include "proto/operator.pb.h"

namespace metsuke {

struct CompiledBaseline {
  // SHA-256 over the controls and what reports go by in hexadecimal.
  // Comments, the names of the files
  // and how they are divided do not count; the order of the controls does.
  std::string version;
  // In the order of the files, and within them as written.
  std::vector<CompiledControl> controls;
  google::protobuf::RepeatedPtrField<v1::Parameter> parameters;
  // The rules that reports go by, compiled.
  std::vector<CompiledControl> coming, stale;
  // The others, and nothing else.
  v1::Baseline report;

  // The control of that id; nullptr when there is none.
  const CompiledControl* Find(const std::string& id) const;
  // All of it as a message.
  v1::Baseline ToMessage() const;
};

// What now() is for the examples of a control: 2026-01-01T00:00:00Z.
inline constexpr int64_t kExampleNow = 1767225600;

// Reads the files of a baseline and tries every control on its examples. The
// error is InvalidArgument and tells all that is wrong at once, one line each:
// "FILE:LINE:COLUMN: control ID: what is wrong".
absl::StatusOr<CompiledBaseline> LoadBaseline(
    const std::vector<v1::BaselineFile>& files);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_BASELINE_H_
