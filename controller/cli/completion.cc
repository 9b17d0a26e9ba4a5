// metsukectl completion: what a shell offers after TAB. The shells get a few
// lines that ask `metsukectl __complete WORDS…`, which main.cc answers from the
// same tree of commands that parses them.

#include <fmt/format.h>

#include "controller/cli/session.h"
#include "proto/command_line.h"

namespace metsuke::cli {
namespace {

constexpr char kBash[] = R"(_metsukectl() {
  mapfile -t COMPREPLY < <(metsukectl __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _metsukectl metsukectl
)";

constexpr char kZsh[] = R"(#compdef metsukectl
_metsukectl() {
  local -a found
  found=("${(@f)$(metsukectl __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=(${found:#})
  if (( $#found )); then compadd -a found; else _files; fi
}
if [[ $funcstack[1] = _metsukectl ]]; then _metsukectl "$@"; else compdef _metsukectl metsukectl; fi
)";

constexpr char kFish[] = R"(complete -c metsukectl -f -a '(metsukectl __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
complete -c metsukectl -F -n '__fish_seen_subcommand_from apply check diff'
)";

}  // namespace

void AddCompletion(CommandLine& line, Session& session) {
  const auto shell = std::make_shared<std::string>();
  const auto print = [shell]() -> absl::StatusOr<int> {
    fmt::print("{}", *shell == "bash" ? kBash : *shell == "zsh" ? kZsh : kFish);
    return kCompliant;
  };
  line.Command("completion",
               "Completion for a shell: source <(metsukectl completion bash)",
               [&session, print] { session.run = print; })
      .Word("shell", *shell, "The shell")
      .Required()
      .OneOf({"bash", "zsh", "fish"});
}

}  // namespace metsuke::cli
