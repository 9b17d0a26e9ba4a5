#include "collectors/log_retention.h"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kDay = 86400;

const v1::JournalOption* Find(const std::vector<v1::JournalOption>& options,
                              std::string_view name) {
  const auto found =
      std::ranges::find(options, name, &v1::JournalOption::option);
  return found == options.end() ? nullptr : &*found;
}

// The first rule whose pattern matches the log at `path`.
const v1::LogrotateRule* RuleOf(const std::vector<v1::LogrotateRule>& rules,
                                const std::string& path) {
  // glob(3) as logrotate calls it: "*" matches no slash.
  const auto rule = std::ranges::find_if(rules, [&](const auto& one) {
    return fnmatch(one.path().c_str(), path.c_str(), FNM_PATHNAME) == 0;
  });
  return rule == rules.end() ? nullptr : &*rule;
}

}  // namespace

LogLimits LimitsOfLogrotate(const std::vector<v1::LogrotateRule>& rules,
                            const std::string& path) {
  const v1::LogrotateRule* const rule = RuleOf(rules, path);
  if (rule == nullptr) return {};
  LogLimits limits{.by = "logrotate " + rule->source()};
  if (rule->rotate() < 0) {
    if (rule->max_age_days() == 0) return {};
    limits.days = rule->max_age_days();
    return limits;
  }
  if (rule->frequency() != "size") limits.days = rule->keep_days();
  if (rule->size_bytes() > 0)
    limits.bytes = (rule->rotate() + int64_t{1}) * rule->size_bytes();
  if (rule->max_age_days() > 0 && limits.days < 0)
    limits.days = rule->max_age_days();
  return limits;
}

std::optional<int> RotationsOf(const std::vector<v1::LogrotateRule>& rules,
                               const std::string& path) {
  const v1::LogrotateRule* const rule = RuleOf(rules, path);
  if (rule == nullptr) return std::nullopt;
  return rule->rotate();
}

std::string OldFolderOf(const std::vector<v1::LogrotateRule>& rules,
                        const std::string& path) {
  const v1::LogrotateRule* const rule = RuleOf(rules, path);
  if (rule == nullptr || rule->old_folder().empty()) return "";
  std::string folder = rule->old_folder();
  if (!folder.starts_with('/'))
    folder = path.substr(0, path.rfind('/') + 1) + folder;
  while (folder.ends_with('/')) folder.pop_back();
  return folder;
}

// journald.conf(5): a tenth of the file system and at most 4 GiB unless
// SystemMaxUse or RuntimeMaxUse says otherwise.
LogLimits LimitsOfJournal(const std::vector<v1::JournalOption>& options,
                          bool runtime, int64_t disk) {
  LogLimits limits{.by = "default"};
  const v1::JournalOption* size =
      Find(options, runtime ? "RuntimeMaxUse" : "SystemMaxUse");
  limits.bytes = size == nullptr ? 0 : SizeBytes(size->value());
  if (limits.bytes > 0)
    limits.by = size->source();
  else
    limits.bytes = std::min(disk / 10, 4096 * kMiB);
  const v1::JournalOption* age = Find(options, "MaxRetentionSec");
  if (age == nullptr || age->seconds() == 0) return limits;
  limits.days = age->seconds() / kDay;
  limits.by = age->source();
  return limits;
}

JournalRoom RoomOfJournal(const std::vector<v1::JournalOption>& options,
                          bool runtime, int64_t disk, int64_t free) {
  const std::string scope = runtime ? "Runtime" : "System";
  JournalRoom room{.free = free};
  room.most_bytes = LimitsOfJournal(options, runtime, disk).bytes;
  const v1::JournalOption* keep = Find(options, scope + "KeepFree");
  room.keep_free = keep == nullptr ? 0 : SizeBytes(keep->value());
  if (room.keep_free == 0)
    room.keep_free = std::min(disk / 20 * 3, 4096 * kMiB);
  const v1::JournalOption* files = Find(options, scope + "MaxFiles");
  room.most_files =
      files == nullptr ? 0 : Number(files->value()).value_or(0);
  const v1::JournalOption* age = Find(options, "MaxRetentionSec");
  room.seconds = age == nullptr ? 0 : age->seconds();
  return room;
}

AuditLog ReadAuditdConf(std::string_view text) {
  AuditLog log;
  int64_t megabytes = 8, files = 5;
  std::string action = "rotate";
  for (std::string_view line : Lines(text)) {
    line = Strip(line);
    const size_t equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos) continue;
    const std::string name = Lower(Strip(line.substr(0, equals)));
    const std::string_view value = Strip(line.substr(equals + 1));
    if (name == "log_file") log.path = value;
    if (name == "max_log_file") megabytes = Number(value).value_or(megabytes);
    if (name == "num_logs") files = Number(value).value_or(files);
    if (name == "max_log_file_action") action = Lower(value);
  }
  // With fewer than two files nothing is rotated, and other actions keep all
  // there is or stop to write.
  if (action == "rotate" && files > 1) {
    log.limits.bytes = files * megabytes * kMiB;
    log.limits.by = "/etc/audit/auditd.conf";
  }
  return log;
}

int64_t ReachDays(const LogLimits& limits, int64_t bytes_per_day) {
  int64_t days = limits.days;
  if (limits.bytes > 0 && bytes_per_day > 0) {
    // Rounded down, for the rate is never the same.
    const int64_t by_size = OneDigit(limits.bytes / bytes_per_day);
    days = days < 0 ? by_size : std::min(days, by_size);
  }
  return std::min<int64_t>(days, INT32_MAX);
}

int64_t SizeBytes(std::string_view text) {
  constexpr std::string_view kUnits = "BKMGTPE";
  const std::string number(text);
  char* end = nullptr;
  double bytes = std::strtod(number.c_str(), &end);
  const size_t unit =
      *end == '\0' ? 0 : kUnits.find(*end);  // journald takes capitals
  if (end == number.c_str() || unit == std::string_view::npos) return 0;
  for (size_t i = 0; i < unit; ++i) bytes *= 1024;
  return bytes < 9e18 && bytes > 0 ? static_cast<int64_t>(bytes) : 0;
}

}  // namespace metsuke
