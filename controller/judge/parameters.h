// Numbers that operators decide on for their fleet and controls refer to.

#ifndef METSUKE_CONTROLLER_JUDGE_PARAMETERS_H_
#define METSUKE_CONTROLLER_JUDGE_PARAMETERS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/baseline.pb.h"

namespace metsuke {

class Parameters {
 public:
  // InvalidArgument when its name is no name or when it has no number. One that
  // is there already is replaced.
  absl::Status Set(const v1::Parameter& parameter);

  bool Has(const std::string& name) const { return known_.contains(name); }

  // Whether all are there that the control refers to or gives.
  bool HasAllOf(const v1::Control& control) const;

  // A query with what each "$name" outside of texts stands for. NotFound, with
  // the name, when there is no such parameter.
  absl::StatusOr<std::string> Expand(const std::string& sql) const;

  // A sentence with what each "$name" stands for.
  std::string ExpandSentence(const std::string& sentence) const;

 private:
  std::map<std::string, int64_t> known_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_PARAMETERS_H_
