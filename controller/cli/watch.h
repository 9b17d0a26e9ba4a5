// Looks again and again, for a person at a terminal or a program that reads
// line by line.

#ifndef METSUKE_CONTROLLER_CLI_WATCH_H_
#define METSUKE_CONTROLLER_CLI_WATCH_H_

#include <functional>

#include "absl/status/statusor.h"
#include "controller/cli/items.h"
#include "controller/cli/session.h"
#include "nlohmann/json.hpp"

namespace metsuke::cli {

// What one look brought.
struct Answer {
  // "HostPosture" or the like, and what programs get.
  std::string kind;
  Item items;
  // What must differ for it to be another answer.
  Item essence;
  // The exit code that says how it is.
  int code = 0;
  // Prints it in the form of --output.
  std::function<void()> print;
};

// Asks every five seconds and shows each answer that differs from the one
// before: on a terminal in place of it, with -o jsonl as one line {"kind": …,
// "items": […]}; anything else is InvalidArgument. A controller that cannot be
// reached is waited for. Ends with Ctrl-C, and then the program with the code
// of the last answer, or when nobody reads any more.
absl::StatusOr<int> Watch(const Session& session,
                          const std::function<absl::StatusOr<Answer>()>& ask);

// Rows that fit on the terminal; 0 when standard output is none.
int TerminalRows();

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_WATCH_H_
