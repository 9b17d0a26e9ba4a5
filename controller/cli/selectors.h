// What people are told of labels that no host has.

#ifndef METSUKE_CONTROLLER_CLI_SELECTORS_H_
#define METSUKE_CONTROLLER_CLI_SELECTORS_H_

#include <set>
#include <string>

#include "proto/operator.grpc.pb.h"

namespace metsuke::cli {

// Tells on standard error that there was no host to look at, and which labels
// it would have had to have; empty when any would have done.
void SayNoHost(const std::string& selector);

// Tells so of each of the selectors that fits no host now: hosts may join, and
// a word may be misspelt. Also that it could not be asked: what the selectors were
// given for is done by then.
void WarnOfNoHost(v1::Operator::Stub& stub,
                          const std::set<std::string>& selectors);

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_SELECTORS_H_
