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

std::string Lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  return text;
}

// The words of a line of sshd_config(5): cut at blanks, "=" behind the keyword
// too, "…" keeping its blanks, "#" starting a comment.
std::vector<std::string> LineWords(std::string_view line) {
  std::vector<std::string> words;
  size_t i = 0;
  while (true) {
    const std::string_view gaps = words.size() == 1 ? " \t\r=" : " \t\r";
    i = line.find_first_not_of(gaps, i);
    if (i == std::string_view::npos || line[i] == '#') return words;
    if (line[i] == '"') {
      const size_t end = line.find('"', i + 1);
      words.emplace_back(line.substr(i + 1, end - i - 1));
      i = end == std::string_view::npos ? line.size() : end + 1;
      continue;
    }
    const size_t end =
        line.find_first_of(words.empty() ? " \t\r=" : " \t\r", i);
    words.emplace_back(line.substr(i, end - i));
    i = end == std::string_view::npos ? line.size() : end;
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

class Scanner {
 public:
  Scanner(const Host& host, SshdFiles& files) : host_(host), files_(files) {}

  // Looks through one file. `match` has the criteria of the Match block that
  // includes it; empty for none.
  void Scan(const std::string& path, int depth, std::string match) {
    if (!Add(path) || depth > kDepth) return;
    const absl::StatusOr<std::string> text = host_.Read(path);
    if (!text.ok()) return;  // sshd -T has its own word on that
    std::string_view rest = *text, line;
    while (NextLine(rest, line)) {
      std::vector<std::string> words = LineWords(line);
      if (words.empty()) continue;
      const std::string keyword = Lower(words[0]);
      if (keyword == "match") {
        match = Arguments(words);
        if (Lower(match) == "all") match.clear();
      } else if (keyword == "include") {
        for (size_t i = 1; i < words.size(); ++i)
          Include(words[i], depth, match);
      } else if (!match.empty()) {
        files_.matched.push_back({match, keyword, Arguments(words)});
      }
    }
  }

 private:
  bool Add(const std::string& path) {
    if (seen_.size() >= kFiles || !seen_.insert(path).second) return false;
    files_.paths.push_back(path);
    return true;
  }

  // A name without a leading slash is below /etc/ssh.
  void Include(const std::string& pattern, int depth,
               const std::string& match) {
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
    for (const std::string& file : found) Scan(file, depth + 1, match);
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
};

}  // namespace

SshdFiles FindSshdFiles(const Host& host, const std::string& config) {
  SshdFiles files;
  Scanner(host, files).Scan(config, 0, "");
  std::sort(files.matched.begin(), files.matched.end());
  files.matched.erase(std::unique(files.matched.begin(), files.matched.end()),
                      files.matched.end());
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

absl::StatusOr<SshdSettings> ReadSshdSettings(const Host& host,
                                              const SshdCommand& command,
                                              const SshdFiles& files) {
  std::vector<std::string> argv = {kSshd, "-T"};
  if (command.config != SshdCommand().config)
    argv.insert(argv.end(), {"-f", command.config});
  argv.insert(argv.end(), command.options.begin(), command.options.end());
  RunOptions options;
  options.inputs = files.paths;
  options.reads_everything = true;  // -T loads the host keys
  // Host keys stand in /etc/ssh, and -T lists those it can load.
  options.inputs.insert(options.inputs.end(),
                        {"/etc/ssh", kSshd, "/run/sshd", "/etc/passwd"});
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
