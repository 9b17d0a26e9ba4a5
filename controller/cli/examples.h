// What each command is good for, as lines to copy.

#ifndef METSUKE_CONTROLLER_CLI_EXAMPLES_H_
#define METSUKE_CONTROLLER_CLI_EXAMPLES_H_

#include <string>

namespace metsuke::cli {

// Examples of `command`, such as "metsukectl report drift", for its --help: a
// line each, what it does behind it. Empty when it has none.
std::string ExamplesOf(const std::string& command);

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_EXAMPLES_H_
