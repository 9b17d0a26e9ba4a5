// metsukectl completion: what a shell offers after TAB. The shells get a few
// lines that ask `metsukectl __complete WORDS…`, which walks the same tree of
// commands that parses them.

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "controller/cli/session.h"

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
  compadd -a found
}
compdef _metsukectl metsukectl
)";

constexpr char kFish[] = R"(complete -c metsukectl -f -a '(metsukectl __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
)";

// Names of commands and long flags of `app` that begin with `prefix`.
void Offer(const CLI::App& app, const std::string& prefix) {
  const auto offer = [&](const std::string& word) {
    if (word.rfind(prefix, 0) == 0 && word.rfind("__", 0) != 0)
      fmt::print("{}\n", word);
  };
  if (prefix.empty() || prefix[0] != '-')
    for (const CLI::App* sub : app.get_subcommands({})) offer(sub->get_name());
  if (prefix.empty() || prefix[0] != '-') return;
  for (const CLI::App* at = &app; at; at = at->get_parent())
    for (const CLI::Option* option : at->get_options())
      for (const std::string& name : option->get_lnames()) offer("--" + name);
}

int Complete(const CLI::App& root, const std::vector<std::string>& words) {
  const CLI::App* app = &root;
  for (size_t i = 0; i + 1 < words.size(); ++i)
    for (const CLI::App* sub : app->get_subcommands({}))
      if (sub->get_name() == words[i]) {
        app = sub;
        break;
      }
  Offer(*app, words.empty() ? "" : words.back());
  return kCompliant;
}

}  // namespace

void AddCompletion(CLI::App& app, Session& session) {
  auto* completion = app.add_subcommand(
      "completion", "Completion for a shell: source <(metsukectl completion bash)");
  const auto shell = std::make_shared<std::string>();
  completion->add_option("shell", *shell, "The shell")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([&session, shell] {
    session.run = [shell]() -> absl::StatusOr<int> {
      fmt::print("{}", *shell == "bash" ? kBash : *shell == "zsh" ? kZsh : kFish);
      return kCompliant;
    };
  });
  auto* complete = app.add_subcommand("__complete", "")->group("");
  complete->prefix_command();
  complete->callback([&app, complete, &session] {
    session.run = [&app, words = complete->remaining()]() -> absl::StatusOr<int> {
      return Complete(app, words);
    };
  });
}

}  // namespace metsuke::cli
