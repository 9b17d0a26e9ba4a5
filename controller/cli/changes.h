// Changed rows as people read them: shared by `drift` and `register`.

#ifndef METSUKE_CONTROLLER_CLI_CHANGES_H_
#define METSUKE_CONTROLLER_CLI_CHANGES_H_

#include <string>

#include "proto/operator.pb.h"

namespace metsuke::cli {

// "+ protocol=tcp port=23  program=telnetd" or "~ name=ssh  value no → yes".
std::string ChangeLine(const v1::Change& change);

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_CHANGES_H_
