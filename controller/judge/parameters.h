// What operators decide for their fleet and controls refer to: a number, or a
// list such as the addresses from which servers are administered.

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
  // InvalidArgument when its name is no name or when it has both a number and a
  // list. One that is there already is replaced.
  absl::Status Set(const v1::Parameter& parameter);

  bool Has(const std::string& name) const { return known_.contains(name); }

  // Whether all are there that the control refers to or gives.
  bool HasAllOf(const v1::Control& control) const;

  // A query with what each "$name" outside of texts stands for: a number, or a
  // list as a JSON text, for json_each(). `unset` becomes the name of one that
  // is an empty list, which nobody has decided on; it stays as it is when there
  // is none. NotFound, with the name, when there is no such parameter.
  absl::StatusOr<std::string> Expand(const std::string& sql,
                                     std::string& unset) const;

  // A sentence with what each "$name" of a number stands for.
  std::string ExpandNumbers(const std::string& sentence) const;

  // The parameter of that name; it must be there.
  const v1::Parameter& Get(const std::string& name) const {
    return known_.at(name);
  }

 private:
  std::map<std::string, v1::Parameter> known_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_PARAMETERS_H_
