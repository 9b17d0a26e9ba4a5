// What the shell may offer where a command takes a name: names of hosts and
// controls as the controller knows them, of tables and registers as the schema
// does.

#ifndef METSUKE_CONTROLLER_CLI_NAMES_H_
#define METSUKE_CONTROLLER_CLI_NAMES_H_

#include <string>
#include <vector>

#include "controller/cli/session.h"

namespace metsuke::cli {

// What a word or option called `what` may stand for; nothing when it is no such
// word, or when the controller does not answer within two seconds. Names that a
// shell could take for more than a word are left out: hosts choose theirs.
std::vector<std::string> NamesFor(const Session& session,
                                  const std::string& what);

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_NAMES_H_
