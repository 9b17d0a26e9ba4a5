#include "collectors/sshd_config.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "collectors/passwd.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// sshd stops at 16 levels (SERVCONF_MAX_DEPTH in servconf.h).
constexpr int kDepth = 16;
constexpr size_t kFiles = 1024;
constexpr size_t kLines = 100'000;
constexpr size_t kBlocks = 2000;

std::string Lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  return text;
}

// The words of a line of sshd_config(5): cut at blanks, "=" behind the keyword
// too, quotes keeping blanks, "#" starting a comment.
std::vector<std::string> LineWords(std::string_view line) {
  std::vector<std::string> words;
  size_t i = 0;
  while (true) {
    const std::string_view gaps = words.size() == 1 ? " \t\r\f=" : " \t\r\f";
    const std::string_view ends = words.empty() ? " \t\r\f=" : " \t\r\f";
    i = line.find_first_not_of(gaps, i);
    if (i == std::string_view::npos || line[i] == '#') return words;
    std::string& word = words.emplace_back();
    while (i < line.size() && ends.find(line[i]) == std::string_view::npos) {
      if (line[i] != '"' && line[i] != '\'') {
        word += line[i++];
        continue;
      }
      const size_t end = std::min(line.find(line[i], i + 1), line.size());
      word += line.substr(i + 1, end - i - 1);
      i = std::min(end + 1, line.size());
    }
  }
}

// What follows the keyword; yes and no, which sshd takes in any case, in lower
// case.
std::string Arguments(const std::vector<std::string>& words) {
  std::string all;
  for (size_t i = 1; i < words.size(); ++i)
    all += (i > 1 ? " " : "") + words[i];
  const std::string lower = Lower(all);
  return lower == "yes" || lower == "no" ? lower : all;
}

// The criteria of a Match line after those of the block around it. An argument
// follows its attribute after a blank or "=".
SshdBlock Block(const SshdBlock& around,
                const std::vector<std::string>& words) {
  SshdBlock block = around;
  const std::string written = Arguments(words);
  if (Lower(written) == "all") {
    if (block.criteria.empty()) block.criteria = "all";
    return block;
  }
  if (block.criteria == "all") block.criteria.clear();
  block.criteria += (block.criteria.empty() ? "" : " ") + written;
  for (size_t i = 1; i < words.size(); ++i) {
    const size_t equals = words[i].find('=');
    std::string attribute = Lower(words[i].substr(0, equals)), argument;
    // "User=bob", "User= bob", "User =bob", "User = bob".
    if (equals != std::string::npos) argument = words[i].substr(equals + 1);
    if (argument.empty() && attribute != "invalid-user" && i + 1 < words.size())
      argument = words[++i];
    if (argument.starts_with('=')) argument.erase(0, 1);
    if (argument.empty() && attribute != "invalid-user" && i + 1 < words.size())
      argument = words[++i];
    block.tests.emplace_back(std::move(attribute), std::move(argument));
  }
  return block;
}

class Scanner {
 public:
  Scanner(const Host& host, SshdFiles& files) : host_(host), files_(files) {}

  // Looks through one file, which stands in `block`.
  void Scan(const std::string& path, int depth, size_t block) {
    if (depth > kDepth || ++scans_ > kFiles) {
      files_.cut_off = true;
      return;
    }
    Add(path);
    const absl::StatusOr<std::string> text = host_.Read(path);
    if (!text.ok()) return;  // sshd -T has its own word on that
    // Blocks of this file stand in the one that includes it.
    const size_t around = block;
    std::string_view rest = *text, line;
    for (int number = 1; NextLine(rest, line); ++number) {
      std::vector<std::string> words = LineWords(line);
      if (words.empty()) continue;
      std::string keyword = Lower(words[0]);
      if (keyword == "match" && files_.blocks.size() < kBlocks) {
        block = files_.blocks.size();
        files_.blocks.push_back(Block(files_.blocks[around], words));
        files_.blocks.back().path = path;
        files_.blocks.back().number = number;
      } else if (keyword == "include") {
        for (size_t i = 1; i < words.size(); ++i)
          Include(words[i], depth, block);
      } else if (keyword != "match" && files_.lines.size() < kLines) {
        files_.lines.push_back(
            {block, std::move(keyword), Arguments(words), path, number});
      } else {
        files_.cut_off = true;
      }
    }
  }

 private:
  void Add(const std::string& path) {
    if (seen_.insert(path).second) files_.paths.push_back(path);
  }

  // A name without a leading slash is below /etc/ssh.
  void Include(const std::string& pattern, int depth, size_t block) {
    const std::string path =
        pattern.starts_with('/') ? pattern : "/etc/ssh/" + pattern;
    std::vector<std::string> found = {""};
    for (const std::string& part : SplitFields(path, '/')) {
      if (part.empty()) continue;
      if (part.find_first_of("*?[") == std::string::npos) {
        for (std::string& folder : found) folder += "/" + part;
      } else {
        found = Glob(found, part);
      }
    }
    for (const std::string& file : found) Scan(file, depth + 1, block);
  }

  std::vector<std::string> Glob(const std::vector<std::string>& folders,
                                const std::string& pattern) {
    std::vector<std::string> found;
    for (const std::string& folder : folders) {
      Add(folder);
      const auto names = host_.List(folder);
      if (!names.ok()) continue;
      for (const std::string& name : *names)
        if (found.size() < kFiles &&
            fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0)
          found.push_back(folder + "/" + name);
    }
    return found;
  }

  const Host& host_;
  SshdFiles& files_;
  std::set<std::string> seen_;
  size_t scans_ = 0;
};

}  // namespace

SshdFiles FindSshdFiles(const Host& host, const std::string& config) {
  SshdFiles files;
  Scanner(host, files).Scan(config, 0, 0);
  return files;
}

SshdSettings ParseSshdSettings(std::string_view text) {
  SshdSettings settings;
  std::string_view line;
  while (NextLine(text, line)) {
    const size_t blank = line.find(' ');
    if (line.empty() || blank == 0) continue;
    settings.emplace_back(Lower(std::string(line.substr(0, blank))),
                          blank == std::string_view::npos
                              ? std::string()
                              : std::string(line.substr(blank + 1)));
  }
  return settings;
}

std::string NoConnection(const SshdFiles& files) {
  std::set<std::string> ports;
  for (const SshdBlock& block : files.blocks)
    for (const auto& [attribute, argument] : block.tests)
      if (attribute == "localport") ports.insert(argument);
  if (ports.empty()) return "";
  int port = 65535;
  while (ports.contains(std::to_string(port))) --port;
  return "lport=" + std::to_string(port);
}

absl::StatusOr<SshdSettings> ReadSshdSettings(const Host& host,
                                              const SshdCommand& command,
                                              const SshdFiles& files,
                                              const std::string& connection) {
  std::vector<std::string> argv = {kSshd, "-T"};
  if (command.config != SshdCommand().config)
    argv.insert(argv.end(), {"-f", command.config});
  argv.insert(argv.end(), command.options.begin(), command.options.end());
  const std::string spec =
      connection.empty() ? NoConnection(files) : connection;
  if (!spec.empty()) argv.insert(argv.end(), {"-C", spec});
  RunOptions options;
  options.inputs = files.paths;
  options.reads_everything = true;  // -T loads the host keys
  // Host keys stand in /etc/ssh, and -T lists those it can load.
  options.inputs.insert(options.inputs.end(),
                        {"/etc/ssh", kSshd, "/run/sshd", "/etc/passwd"});
  if (!connection.empty()) options.inputs.push_back("/etc/group");
  absl::StatusOr<std::string> text = host.Run(argv, options);
  if (!text.ok())
    return absl::IsNotFound(text.status()) ? text.status()
                                           : Annotate(text.status(), "sshd -T");
  SshdSettings settings = ParseSshdSettings(*text);
  if (settings.empty())
    return absl::UnavailableError("sshd -T printed no configuration");
  return settings;
}

std::string SettingOf(const SshdSettings& settings, std::string_view keyword) {
  for (const auto& [name, value] : settings)
    if (name == keyword) return value;
  return "";
}

}  // namespace metsuke
