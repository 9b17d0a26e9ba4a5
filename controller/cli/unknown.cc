#include "controller/cli/unknown.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <vector>

#include "proto/text.h"

namespace metsuke::cli {
namespace {

// The command whose turn it was.
const CLI::App& Innermost(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? app : Innermost(*chosen.back());
}

std::vector<std::string> Commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands({}))
    if (!sub->get_name().starts_with("__")) names.push_back(sub->get_name());
  return names;
}

// Those of the commands around it are taken, too.
std::vector<std::string> LongOptions(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent())
    for (const CLI::Option* option : at->get_options())
      for (const std::string& name : option->get_lnames())
        names.push_back("--" + name);
  return names;
}

// "metsukectl host list".
std::string Path(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name()
                           : Path(*parent) + " " + app.get_name();
}

}  // namespace

std::string UnknownWord(const CLI::App& app) {
  const std::vector<std::string> unknown = app.remaining(true);
  if (unknown.empty()) return "";
  const std::string word = unknown[0].substr(0, unknown[0].find('='));
  const CLI::App& at = Innermost(app);
  const std::string help =
      fmt::format("\n{} --help tells what there is", Path(at));
  if (word.starts_with('-'))
    return fmt::format("{} has no option {}{}", Path(at), word,
                       DidYouMean(word, LongOptions(at))) +
           help;
  const std::vector<std::string> commands = Commands(at);
  if (commands.empty())
    return fmt::format("{} does not know what to do with \"{}\"", Path(at),
                       word) +
           help;
  return fmt::format("{} has no command \"{}\"{}", Path(at), word,
                     DidYouMean(word, commands)) +
         help;
}

}  // namespace metsuke::cli
