#include "collectors/log_names.h"

#include <utility>

#include "collectors/unpack.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr std::string_view kDigits = "0123456789";

// Whether it begins with a day of this century, "20261121" or "2026-11-21", and
// goes on with digits alone.
bool IsDate(std::string_view text) {
  if (!text.starts_with("20")) return false;
  std::string digits;
  for (const char c : text) {
    if (c != '-' && c != '_' && kDigits.find(c) == std::string_view::npos)
      return false;
    if (c != '-' && c != '_') digits += c;
  }
  return digits.size() >= 8 && digits.substr(4, 2) <= "12" &&
         digits.substr(6, 2) <= "31";
}

// Where a suffix such as ".1" (unless only dates are wanted) or
// "-20261121_000000" begins; npos when the name has none. What is left must be
// a name: the address in "10.0.0.1" is one.
size_t SuffixAt(std::string_view name, bool only_dates) {
  for (size_t at = 1; at + 1 < name.size(); ++at) {
    if (name[at] != '.' && name[at] != '-' && name[at] != '_') continue;
    const std::string_view rest = name.substr(at + 1);
    const bool number =
        rest.find_first_not_of(kDigits) == std::string_view::npos;
    if (!IsDate(rest) && (only_dates || !number || name[at] == '_')) continue;
    if (name.substr(0, at).find_first_not_of("0123456789.-_") !=
        std::string_view::npos)
      return at;
  }
  return std::string_view::npos;
}

std::string_view NameOf(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

std::string LogBase(std::string_view name) {
  // What `wtmpdb rotate` leaves: wtmp_20261121_000000.db.
  if (name.starts_with("wtmp_") && name.ends_with(".db")) return "wtmp.db";
  const std::string_view plain =
      IsPacked(name) ? name.substr(0, name.rfind('.')) : name;
  if (const size_t at = SuffixAt(plain, false); at != std::string_view::npos)
    return std::string(plain.substr(0, at));
  // A date before the extension, as with logrotate's `extension` and in
  // PostgreSQL's names; a single number there may be a part of the name.
  constexpr std::string_view kExtension = ".log";
  if (plain.ends_with(kExtension)) {
    const std::string_view stem =
        plain.substr(0, plain.size() - kExtension.size());
    if (const size_t at = SuffixAt(stem, true); at != std::string_view::npos)
      return std::string(stem.substr(0, at)) + std::string(kExtension);
  }
  return std::string(name);
}

std::optional<int> RotationOf(std::string_view name, std::string_view base) {
  if (name == base) return 0;
  if (!name.starts_with(base)) return std::nullopt;
  name.remove_prefix(base.size());
  if (IsPacked(name)) name = name.substr(0, name.rfind('.'));
  // A date has four digits at least (dateformat .%m%d or .%Y); nobody keeps a
  // thousand files.
  if (!name.starts_with('.') || name.size() > 4) return std::nullopt;
  const auto number = Number(name.substr(1));
  if (!number || *number < 1) return std::nullopt;
  return static_cast<int>(*number);
}

std::optional<std::string> DateOf(std::string_view name) {
  const std::string base = LogBase(name);
  if (IsPacked(name)) name = name.substr(0, name.rfind('.'));
  for (const std::string_view extension : {".log", ".db", ""}) {
    if (!name.ends_with(extension)) continue;
    const std::string_view stem =
        name.substr(0, name.size() - extension.size());
    const size_t at = SuffixAt(stem, true);
    if (at == std::string_view::npos || base == name) continue;
    std::string digits;
    for (const char c : stem.substr(at))
      if (kDigits.find(c) != std::string_view::npos) digits += c;
    return digits;
  }
  return {};
}

std::string LogKind(std::string_view path) {
  constexpr std::pair<std::string_view, const char*> kByName[] = {
      {"syslog", "syslog"},   {"messages", "syslog"}, {"auth.log", "auth"},
      {"secure", "auth"},     {"wtmp", "wtmp"},       {"wtmp.db", "wtmp"},
      {"btmp", "btmp"},       {"lastlog", "lastlog"}, {"lastlog2.db", "lastlog"},
      {"mail.log", "mail"},   {"maillog", "mail"}};
  constexpr std::pair<std::string_view, const char*> kByFolder[] = {
      {"audit", "audit"},
      {"nginx", "web"},          {"apache2", "web"},
      {"httpd", "web"},          {"lighttpd", "web"},
      {"caddy", "web"},          {"mysql", "database"},
      {"mariadb", "database"},   {"postgresql", "database"},
      {"redis", "database"},     {"mongodb", "database"},
      {"exim4", "mail"},         {"dovecot", "mail"},
      {"postfix", "mail"}};
  constexpr std::string_view kLogs = "/var/log/";
  std::string_view below = path;
  if (below.starts_with(kLogs)) below.remove_prefix(kLogs.size());
  const size_t slash = below.find('/');
  if (slash == std::string_view::npos || !path.starts_with(kLogs)) {
    for (const auto& [name, kind] : kByName)
      if (NameOf(path) == name) return kind;
    return "application";
  }
  for (const auto& [folder, kind] : kByFolder)
    if (below.substr(0, slash) == folder) return kind;
  return "application";
}

LogFormat LogFormatOf(std::string_view path) {
  const std::string_view name = NameOf(path);
  if (name == "wtmp" || name == "btmp") return LogFormat::kUtmp;
  if (name == "wtmp.db") return LogFormat::kWtmpdb;
  return name == "lastlog" || name == "lastlog2.db" ? LogFormat::kLastlog
                                                    : LogFormat::kText;
}

}  // namespace metsuke
