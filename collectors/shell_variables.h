// Variables that a file of shell assignments sets, without a shell.

#ifndef METSUKE_COLLECTORS_SHELL_VARIABLES_H_
#define METSUKE_COLLECTORS_SHELL_VARIABLES_H_

#include <map>
#include <string>
#include <string_view>

namespace metsuke {

// The lines `[export ]NAME=VALUE` of `text` with $NAME and ${NAME} of earlier
// ones in them; of several for one name the last. What takes a shell to know (a
// command, another kind of expansion) is left out, conditions are taken as met.
std::map<std::string, std::string> ShellVariables(std::string_view text);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SHELL_VARIABLES_H_
