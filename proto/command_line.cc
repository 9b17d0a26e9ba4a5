#include "proto/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "proto/encode.h"
#include "proto/text.h"
#include "proto/version.h"

namespace metsuke {
namespace {

constexpr int kUsage = 64;

// The command that the words parsed so far named last.
const CLI::App* Deepest(const CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().back();
  return app;
}

std::vector<std::string> Commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({}))
    names.push_back(command->get_name());
  return names;
}

// With those of the commands around it, which are taken as well.
std::vector<std::string> LongOptions(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent())
    for (const CLI::Option* option : app->get_options())
      for (const std::string& name : option->get_lnames())
        names.push_back("--" + name);
  return names;
}

const CLI::App* Below(const CLI::App* command, const std::string& name) {
  for (const CLI::App* below : command->get_subcommands({}))
    if (below->get_name() == name) return below;
  return nullptr;
}

// The option of `command` or of those around it that `word` names, if the next
// word is its value.
const CLI::Option* ThatTakesAValue(const CLI::App* command,
                                   const std::string& word) {
  if (word.find('=') != std::string::npos) return nullptr;
  for (; command != nullptr; command = command->get_parent())
    if (const CLI::Option* option = command->get_option_no_throw(word))
      return option->get_items_expected_max() > 0 ? option : nullptr;
  return nullptr;
}

// The word of `command` that has `before` words before it; the last takes all
// that follow if it takes several.
const CLI::Option* Positional(const CLI::App& command, size_t before) {
  const CLI::Option* last = nullptr;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    last = option;
    if (before-- == 0) return option;
  }
  return last != nullptr && last->get_items_expected_max() > 1 ? last : nullptr;
}

// What `option` may be: the choices of OneOf, which CLI11 tells only in
// "TEXT:{one,other}", or what `names` says.
std::vector<std::string> Values(const CLI::Option* option,
                                const CommandLine::Names& names) {
  const std::string type = option->get_type_name();
  const size_t open = type.find('{'), close = type.find('}');
  if (open != std::string::npos && close != std::string::npos)
    return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
  return names != nullptr ? names(option->get_single_name())
                          : std::vector<std::string>();
}

std::string FullName(const CLI::App* app) {
  const CLI::App* parent = app->get_parent();
  return parent == nullptr ? app->get_name()
                           : FullName(parent) + ' ' + app->get_name();
}

// --help with examples at its beginning.
class WithExamples : public CLI::Formatter {
 public:
  explicit WithExamples(std::function<std::string(const std::string&)> of)
      : of_(std::move(of)) {}

  std::string make_description(const CLI::App* app) const override {
    const std::string examples = of_(FullName(app));
    const std::string about = CLI::Formatter::make_description(app);
    return examples.empty() ? about : about + '\n' + examples + '\n';
  }

 private:
  const std::function<std::string(const std::string&)> of_;
};

bool IsOption(const std::string& word) {
  return word.size() > 1 && word[0] == '-';
}

}  // namespace

Argument& Argument::Required() {
  option_->required();
  return *this;
}

Argument& Argument::ShowDefault() {
  option_->capture_default_str();
  return *this;
}

Argument& Argument::OneOf(const std::vector<std::string>& values) {
  option_->check(CLI::IsMember(values));
  return *this;
}

Argument& Argument::Between(int64_t least, int64_t most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Argument& Argument::Environment(const std::string& variable) {
  option_->envname(variable);
  return *this;
}

Argument& Argument::SplitAtCommas() {
  option_->delimiter(',');
  return *this;
}

CommandLine::CommandLine(const std::string& program, const std::string& about)
    : owned_(std::make_unique<CLI::App>(about, program)), app_(owned_.get()) {
  app_->fallthrough();
  app_->set_version_flag("--version", program + ' ' + kVersion);
}

CommandLine::CommandLine(CLI::App* app) : app_(app) {}

CommandLine::~CommandLine() = default;

void CommandLine::Flag(const std::string& names, bool& value,
                       const std::string& help) {
  app_->add_flag(names, value, help);
}

Argument CommandLine::Option(const std::string& names, std::string& value,
                             const std::string& help) {
  return Argument(app_->add_option(names, value, help));
}

Argument CommandLine::Option(const std::string& names,
                             std::vector<std::string>& value,
                             const std::string& help) {
  return Argument(app_->add_option(names, value, help));
}

Argument CommandLine::Option(const std::string& names, int& value,
                             const std::string& help) {
  return Argument(app_->add_option(names, value, help));
}

Argument CommandLine::Option(const std::string& names, int64_t& value,
                             const std::string& help) {
  return Argument(app_->add_option(names, value, help));
}

Argument CommandLine::Option(const std::string& names, uint32_t& value,
                             const std::string& help) {
  return Argument(app_->add_option(names, value, help));
}

Argument CommandLine::Option(const std::string& names,
                             std::optional<uint32_t>& value,
                             const std::string& help) {
  return Argument(app_->add_option(names, value, help));
}

Argument CommandLine::Option(const std::string& names, std::vector<int>& value,
                             const std::string& help) {
  return Argument(app_->add_option(names, value, help));
}

Argument CommandLine::Word(const std::string& name, std::string& value,
                           const std::string& help) {
  return Option(name, value, help);
}

Argument CommandLine::Word(const std::string& name,
                           std::vector<std::string>& value,
                           const std::string& help) {
  return Option(name, value, help);
}

CommandLine& CommandLine::Command(const std::string& name,
                                  const std::string& about,
                                  std::function<void()> chosen) {
  CLI::App* command = app_->add_subcommand(name, about);
  if (chosen != nullptr) command->callback(std::move(chosen));
  commands_.push_back(std::unique_ptr<CommandLine>(new CommandLine(command)));
  return *commands_.back();
}

void CommandLine::RequireCommand() { app_->require_subcommand(1); }

bool CommandLine::chosen() const { return app_->parsed(); }

void CommandLine::Examples(
    std::function<std::string(const std::string& command)> of) {
  app_->formatter(std::make_shared<WithExamples>(std::move(of)));
}

void CommandLine::Footer(const std::string& text) { app_->footer(text); }

// What is wrong, from the point of view of whoever typed it.
std::string CommandLine::Explain(const std::string& what) const {
  const CLI::App* command = Deepest(app_);
  const std::vector<std::string> rest = app_->remaining(true);
  const std::vector<std::string> commands = Commands(*command);
  std::string wrong = what;
  if (!rest.empty() && IsOption(rest[0])) {
    const std::string name = rest[0].substr(0, rest[0].find('='));
    wrong = fmt::format("there is no option {}{}", name,
                        DidYouMean(name, LongOptions(command)));
  } else if (!rest.empty() && commands.empty()) {
    wrong = fmt::format("\"{}\" is a word too many", rest[0]);
  } else if (!rest.empty()) {
    wrong = fmt::format("there is no command \"{}\"{}", rest[0],
                        DidYouMean(rest[0], commands));
  } else if (!commands.empty() && command->get_require_subcommand_min() > 0) {
    wrong = fmt::format("a command is missing: {}", fmt::join(commands, ", "));
  }
  return fmt::format("{}: {}\n{} --help says what there is", FullName(command),
                     wrong, FullName(command));
}

std::optional<int> CommandLine::Parse(int argc, const char* const* argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    return app_->exit(done);
  } catch (const CLI::ParseError& error) {
    const std::string text = Explain(error.what());
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      fmt::print(stderr, "{}\n",
                 enc::Tty(HostText(text.substr(begin, end - begin))));
      begin = end + 1;
    }
    return kUsage;
  }
  return std::nullopt;
}

std::vector<std::string> CommandLine::Offers(
    const std::vector<std::string>& words, const Names& names) const {
  const CLI::App* command = app_;
  const CLI::Option* wanted = nullptr;  // what the next word is the value of
  size_t before = 0;                    // words without a name
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (wanted != nullptr) {
      wanted = nullptr;
    } else if (IsOption(words[i])) {
      wanted = ThatTakesAValue(command, words[i]);
    } else if (const CLI::App* below = Below(command, words[i])) {
      command = below;
      before = 0;
    } else {
      ++before;
    }
  }
  const std::string prefix = words.empty() ? "" : words.back();
  std::vector<std::string> offers;
  if (wanted != nullptr) {
    offers = Values(wanted, names);
  } else if (prefix.starts_with('-')) {
    offers = LongOptions(command);
  } else {
    offers = Commands(*command);
    if (const CLI::Option* word = Positional(*command, before))
      for (std::string& value : Values(word, names))
        offers.push_back(std::move(value));
  }
  std::erase_if(offers, [&](const std::string& offer) {
    return !offer.starts_with(prefix);
  });
  return offers;
}

void AddDaemonFlags(CommandLine& line, DaemonFlags& flags) {
  line.Option("--config", flags.config, "Configuration file").ShowDefault();
  line.Flag("-t", flags.test, "Test the configuration and end");
  line.Flag("-T", flags.print, "Print the configuration in force and end");
}

}  // namespace metsuke
