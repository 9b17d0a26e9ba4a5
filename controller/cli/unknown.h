// A slip of the keyboard is answered with the word that was meant.

#ifndef METSUKE_CONTROLLER_CLI_UNKNOWN_H_
#define METSUKE_CONTROLLER_CLI_UNKNOWN_H_

#include <string>

namespace CLI {
class App;
}

namespace metsuke::cli {

// What is wrong with the first word that `app`, which was parsed in vain, did
// not know, with the nearest one it does; empty when it knew all words.
std::string UnknownWord(const CLI::App& app);

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_UNKNOWN_H_
