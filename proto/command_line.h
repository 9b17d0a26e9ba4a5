// What a program takes on its command line: options, words and commands, with
// --help and --version. CLI11 does the parsing; a file that includes it takes
// seconds longer to compile, so none but command_line.cc does.

#ifndef METSUKE_PROTO_COMMAND_LINE_H_
#define METSUKE_PROTO_COMMAND_LINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace metsuke {

// One option or word, to say more about it.
class Argument {
 public:
  explicit Argument(CLI::Option* option) : option_(option) {}
  Argument& Required();
  Argument& ShowDefault();  // --help shows the value it had before parsing
  Argument& OneOf(const std::vector<std::string>& values);
  Argument& Between(int64_t least, int64_t most);
  Argument& Environment(const std::string& variable);  // when not given
  Argument& SplitAtCommas();

 private:
  CLI::Option* option_;
};

class CommandLine {
 public:
  // `about` begins --help. What Flag, Option and Word are given must outlive
  // the CommandLine.
  CommandLine(const std::string& program, const std::string& about);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Names are written "-o,--output". An option may stand before or after the
  // command it does not belong to.
  void Flag(const std::string& names, bool& value, const std::string& help);
  Argument Option(const std::string& names, std::string& value,
                  const std::string& help);
  Argument Option(const std::string& names, std::vector<std::string>& value,
                  const std::string& help);
  Argument Option(const std::string& names, int& value,
                  const std::string& help);
  Argument Option(const std::string& names, int64_t& value,
                  const std::string& help);
  Argument Option(const std::string& names, uint32_t& value,
                  const std::string& help);
  Argument Option(const std::string& names, std::optional<uint32_t>& value,
                  const std::string& help);
  Argument Option(const std::string& names, std::vector<int>& value,
                  const std::string& help);
  // What stands without a name before it; a vector takes all that follow.
  Argument Word(const std::string& name, std::string& value,
                const std::string& help);
  Argument Word(const std::string& name, std::vector<std::string>& value,
                const std::string& help);

  // A command below this one; it lives as long as this. `chosen` is called
  // when the command line names it.
  CommandLine& Command(const std::string& name, const std::string& about,
                       std::function<void()> chosen = nullptr);
  void RequireCommand();
  // Whether the command line named this command.
  bool chosen() const;

  // What --help shows before anything else: what this returns of the command's
  // full name, which begins with the program's. Of the outermost.
  void Examples(std::function<std::string(const std::string& command)> of);
  // Ends --help.
  void Footer(const std::string& text);

  // Parses; of the outermost. The exit code when there is nothing more to do:
  // 0 after --help or --version, 64 (EX_USAGE) after an error, which went to
  // standard error with what was probably meant.
  std::optional<int> Parse(int argc, const char* const* argv);

  // What a shell may offer for the last of `words`, which follow the program's
  // name. `names` says what an option or word of this name, such as "host", may
  // stand for.
  using Names = std::function<std::vector<std::string>(const std::string& name)>;
  std::vector<std::string> Offers(const std::vector<std::string>& words,
                                  const Names& names = nullptr) const;

 private:
  explicit CommandLine(CLI::App* app);  // one below another
  std::string Explain(const std::string& what) const;

  std::unique_ptr<CLI::App> owned_;  // of the outermost
  CLI::App* app_;
  std::vector<std::unique_ptr<CommandLine>> commands_;
};

// What every daemon takes.
struct DaemonFlags {
  std::string config;
  bool test = false, print = false;
};
void AddDaemonFlags(CommandLine& line, DaemonFlags& flags);

}  // namespace metsuke

#endif  // METSUKE_PROTO_COMMAND_LINE_H_
