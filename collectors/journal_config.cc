// Fills the journal_config table from journald.conf and its drop-ins, as
// journald itself reads them (journald.conf(5), systemd.syntax(7)). The
// defaults are those compiled into systemd 252; journald says them nowhere at
// run time.

#include "collectors/journal_config.h"

#include <array>
#include <map>

#include "collectors/collector.h"
#include "collectors/time_span.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectJournalConfig(const Host& host, v1::Snapshot& snapshot);

namespace {

// The types of src/journal/journald-gperf.gperf of systemd.
enum class Type { kStorage, kSplit, kBool, kCompress, kTime, kSize, kCount,
                  kLevel, kPath };

struct Option {
  std::string_view name;
  Type type;
  std::string_view default_value;
  // Newer than systemd 252: a row only when a file sets it.
  bool newer = false;
};

// In the order of journald.conf(5).
constexpr Option kOptions[] = {
    {"Storage", Type::kStorage, "auto"},
    {"Compress", Type::kCompress, "yes"},
    {"Seal", Type::kBool, "yes"},
    {"SplitMode", Type::kSplit, "uid"},
    {"RateLimitIntervalSec", Type::kTime, "30s"},
    {"RateLimitBurst", Type::kCount, "10000"},
    {"SystemMaxUse", Type::kSize, ""},
    {"SystemKeepFree", Type::kSize, ""},
    {"SystemMaxFileSize", Type::kSize, ""},
    {"SystemMaxFiles", Type::kCount, "100"},
    {"RuntimeMaxUse", Type::kSize, ""},
    {"RuntimeKeepFree", Type::kSize, ""},
    {"RuntimeMaxFileSize", Type::kSize, ""},
    {"RuntimeMaxFiles", Type::kCount, "100"},
    {"MaxFileSec", Type::kTime, "1month"},
    {"MaxRetentionSec", Type::kTime, "0"},
    {"SyncIntervalSec", Type::kTime, "5m"},
    {"ForwardToSyslog", Type::kBool, "no"},
    {"ForwardToKMsg", Type::kBool, "no"},
    {"ForwardToConsole", Type::kBool, "no"},
    {"ForwardToWall", Type::kBool, "yes"},
    {"ForwardToSocket", Type::kPath, "", true},
    {"MaxLevelStore", Type::kLevel, "debug"},
    {"MaxLevelSyslog", Type::kLevel, "debug"},
    {"MaxLevelKMsg", Type::kLevel, "notice"},
    {"MaxLevelConsole", Type::kLevel, "info"},
    {"MaxLevelWall", Type::kLevel, "emerg"},
    {"MaxLevelSocket", Type::kLevel, "debug", true},
    {"ReadKMsg", Type::kBool, "yes"},
    {"Audit", Type::kBool, "yes"},
    {"TTYPath", Type::kPath, "/dev/console"},
    {"LineMax", Type::kSize, "48K"},
};

constexpr std::string_view kLevels[] = {"emerg",   "alert",  "crit", "err",
                                        "warning", "notice", "info", "debug"};

// What journald takes for a boolean (parse_boolean of systemd), as the word
// its manual uses; empty when it is none.
std::string_view Boolean(std::string_view value) {
  const std::string word = Lower(value);
  for (std::string_view yes : {"1", "yes", "y", "true", "t", "on"})
    if (word == yes) return "yes";
  for (std::string_view no : {"0", "no", "n", "false", "f", "off"})
    if (word == no) return "no";
  return {};
}

bool IsNumberWithUnit(std::string_view value, std::string_view units) {
  bool digits = false;
  for (const char c : value) {
    if (c >= '0' && c <= '9')
      digits = true;
    else if (c != '.' && c != ' ' && units.find(c) == std::string_view::npos)
      return false;
  }
  return digits;
}

std::string Level(std::string_view value) {
  for (size_t i = 0; i < std::size(kLevels); ++i)
    if (value == kLevels[i] || value == std::to_string(i))
      return std::string(kLevels[i]);
  return {};
}

std::string OneOf(std::string_view value,
                  std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words)
    if (value == word) return std::string(word);
  return {};
}

// `value` as journald takes it, booleans and levels in one spelling; empty
// when journald would say "Failed to parse" and go on without it.
std::string Accepted(Type type, std::string_view value) {
  constexpr std::string_view kSizeUnits = "BKMGTPE";
  switch (type) {
    case Type::kStorage:
      return OneOf(value, {"auto", "volatile", "persistent", "none"});
    case Type::kSplit:
      return OneOf(value, {"uid", "login", "none"});
    case Type::kBool:
      return std::string(Boolean(value));
    case Type::kCompress:
      if (const auto word = Boolean(value); !word.empty() || value.empty())
        return std::string(word);
      return Accepted(Type::kSize, value);
    case Type::kTime:
      return TimeSpan(value) ? std::string(value) : "";
    case Type::kSize:
      return IsNumberWithUnit(value, kSizeUnits) ? std::string(value) : "";
    case Type::kCount:
      return Number(value).value_or(-1) >= 0 ? std::string(value) : "";
    case Type::kLevel:
      return Level(value);
    case Type::kPath:
      return std::string(value);
  }
  return {};
}

// Whether an empty assignment brings the default back. For all other options
// journald calls it unparsable and keeps what was set before (each parser in
// src/shared/conf-parser.c and src/journal/journald-server.c of systemd 252).
bool EmptyResets(const Option& option) {
  return option.type == Type::kCompress || option.type == Type::kPath ||
         option.name == "LineMax" || option.name == "Audit";
}

// See JournalOption in proto/snapshot.proto.
int64_t Seconds(const Option& option, std::string_view value) {
  if (option.type != Type::kTime) return 0;
  const int64_t micros = TimeSpan(value).value_or(INT64_MAX);
  return micros == INT64_MAX ? 0 : micros / 1'000'000 + (micros % 1'000'000 > 0);
}

struct Setting {
  std::string value;
  std::string source;
};

const Option* FindOption(std::string_view name) {
  // The name that systemd 229 and older had.
  if (name == "RateLimitInterval") name = "RateLimitIntervalSec";
  for (const Option& option : kOptions)
    if (option.name == name) return &option;
  return nullptr;
}

void Assign(std::string_view line, const std::string& path,
            std::map<std::string_view, Setting>& settings) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return;
  const Option* option = FindOption(Strip(line.substr(0, equals)));
  if (option == nullptr) return;
  const std::string_view value = Strip(line.substr(equals + 1));
  const std::string accepted = Accepted(option->type, value);
  if (!accepted.empty())
    settings[option->name] = {accepted, path};
  else if (value.empty() && EmptyResets(*option))
    settings.erase(option->name);
}

// Reads one file: only [Journal] counts; a backslash at the end of a line
// continues it, and comments between the parts are passed over.
void ReadFile(const JournalConf& file,
              std::map<std::string_view, Setting>& settings) {
  bool journal = false;
  std::string whole;
  for (std::string_view line : Lines(file.text)) {
    const std::string_view text = Strip(line);
    if (text.starts_with('#') || text.starts_with(';')) continue;
    if (text.ends_with('\\')) {
      whole += std::string(text.substr(0, text.size() - 1)) + " ";
      continue;
    }
    whole += text;
    if (whole.starts_with('['))
      journal = whole == "[Journal]";
    else if (journal)
      Assign(whole, file.path, settings);
    whole.clear();
  }
  if (journal && !whole.empty()) Assign(whole, file.path, settings);
}

// systemd's configuration folders, the ones that win first (CONF_PATHS of its
// source; /lib where /usr is not merged).
constexpr std::string_view kFolders[] = {
    "/etc/systemd", "/run/systemd", "/usr/local/lib/systemd",
    "/usr/lib/systemd", "/lib/systemd"};

// Adds the file at `path` when it is there.
absl::StatusOr<bool> AddFile(const Host& host, const std::string& path,
                             std::vector<JournalConf>& files) {
  // A link to /dev/null is how an administrator masks a file.
  if (auto link = host.ReadLink(path); link.ok() && *link == "/dev/null")
    return true;
  auto text = host.Read(path);
  if (absl::IsNotFound(text.status())) return false;
  if (!text.ok()) return Annotate(text.status(), path);
  files.push_back({path, *std::move(text)});
  return true;
}

absl::Status AddMainFile(const Host& host, std::vector<JournalConf>& files) {
  for (const std::string_view folder : kFolders) {
    ASSIGN_OR_RETURN(
        const bool found,
        AddFile(host, std::string(folder) + "/journald.conf", files));
    if (found) break;
  }
  return absl::OkStatus();
}

// Drop-ins are read in the order of their names over all folders; of two with
// the same name the one in the first folder counts.
absl::Status AddDropIns(const Host& host, std::vector<JournalConf>& files) {
  std::map<std::string, std::string> path_of;
  for (const std::string_view folder : kFolders) {
    const std::string drop_ins = std::string(folder) + "/journald.conf.d";
    const auto names = host.List(drop_ins);
    if (absl::IsNotFound(names.status())) continue;
    if (!names.ok()) return Annotate(names.status(), drop_ins);
    for (const std::string& name : *names)
      if (name.ends_with(".conf") && !name.starts_with('.'))
        path_of.emplace(name, drop_ins + "/" + name);
  }
  for (const auto& [name, path] : path_of)
    RETURN_IF_ERROR(AddFile(host, path, files).status());
  return absl::OkStatus();
}

}  // namespace

std::vector<v1::JournalOption> JournalOptions(
    const std::vector<JournalConf>& files, bool patched) {
  std::map<std::string_view, Setting> settings;
  for (const JournalConf& file : files) ReadFile(file, settings);
  std::vector<v1::JournalOption> rows;
  for (const Option& option : kOptions) {
    const auto set = settings.find(option.name);
    if (option.newer && set == settings.end()) continue;
    v1::JournalOption& row = rows.emplace_back();
    row.set_option(std::string(option.name));
    row.set_value(std::string(option.default_value));
    if (patched && option.name == "ForwardToSyslog") row.set_value("yes");
    if (patched && option.name == "Audit") row.set_value("no");
    row.set_source("default");
    if (set != settings.end()) {
      row.set_value(set->second.value);
      row.set_source(set->second.source);
    }
    row.set_seconds(Seconds(option, row.value()));
  }
  return rows;
}

absl::Status CollectJournalConfig(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const bool merged,
                   host.Exists("/usr/lib/systemd/systemd-journald"));
  ASSIGN_OR_RETURN(const bool split,
                   host.Exists("/lib/systemd/systemd-journald"));
  if (!merged && !split) return Absent("systemd-journald is not installed");
  std::vector<JournalConf> files;
  RETURN_IF_ERROR(AddMainFile(host, files));
  RETURN_IF_ERROR(AddDropIns(host, files));
  // Up to Debian 12 the compiled defaults are patched: no audit, and
  // forwarding to syslog. systemd 253~rc2-1 dropped both patches (its
  // NEWS.Debian) and forwards by a drop-in of this name.
  ASSIGN_OR_RETURN(const bool debian, host.Exists("/etc/debian_version"));
  ASSIGN_OR_RETURN(
      const bool by_drop_in,
      host.Exists("/usr/lib/systemd/journald.conf.d/syslog.conf"));
  for (v1::JournalOption& row : JournalOptions(files, debian && !by_drop_in))
    *snapshot.add_journal_config() = std::move(row);
  return absl::OkStatus();
}

}  // namespace metsuke
