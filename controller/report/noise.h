// Which changes a report counts and does not tell.

#ifndef METSUKE_CONTROLLER_REPORT_NOISE_H_
#define METSUKE_CONTROLLER_REPORT_NOISE_H_

#include <string>
#include <vector>

#include "proto/baseline.pb.h"
#include "proto/verdict.pb.h"

namespace metsuke {

class Noise {
 public:
  // `rules` must outlive it.
  explicit Noise(const google::protobuf::RepeatedPtrField<v1::NoiseRule>& rules)
      : rules_(rules) {}

  // Takes the columns that are noise out of the change. The index of the rule
  // that makes noise of all that is left of it; -1 when something is to be
  // told.
  int Filter(v1::Change& change) const;

 private:
  const google::protobuf::RepeatedPtrField<v1::NoiseRule>& rules_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_NOISE_H_
