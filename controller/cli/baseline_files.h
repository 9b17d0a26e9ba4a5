// The files of a baseline on this machine.

#ifndef METSUKE_CONTROLLER_CLI_BASELINE_FILES_H_
#define METSUKE_CONTROLLER_CLI_BASELINE_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/operator.pb.h"

namespace metsuke::cli {

// Reads the files in `paths`; of a folder, every *.yaml in it in lexical
// order. FailedPrecondition names what cannot be read; a folder without such a
// file is an error too. InvalidArgument says where a file is not UTF-8.
absl::StatusOr<std::vector<v1::BaselineFile>> ReadBaselineFiles(
    const std::vector<std::string>& paths);

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_BASELINE_FILES_H_
