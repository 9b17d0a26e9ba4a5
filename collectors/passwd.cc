#include "collectors/passwd.h"

#include <cstdlib>

#include "proto/status.h"

namespace metsuke {
namespace {

// A line as glibc takes it: without leading blanks; empty when it is blank, a
// comment or NIS.
std::string_view EntryLine(std::string_view line, int* foreign) {
  const size_t start = line.find_first_not_of(" \t\r\v\f");
  if (start == std::string_view::npos) return {};
  line.remove_prefix(start);
  if (line.front() == '+' || line.front() == '-') ++*foreign;
  return line.find_first_of("#+-") == 0 ? std::string_view() : line;
}

}  // namespace

bool NextLine(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  const size_t end = text.find('\n');
  line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return true;
}

std::vector<std::string> SplitFields(std::string_view text, char separator,
                                     size_t limit) {
  std::vector<std::string> fields;
  while (fields.size() + 1 < limit) {
    const size_t end = text.find(separator);
    if (end == std::string_view::npos) break;
    fields.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  fields.emplace_back(text);
  return fields;
}

bool ParseId(const std::string& field, uint32_t* id) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(field.c_str(), &end, 10);
  if (end == field.c_str() || *end != '\0' || value > UINT32_MAX) return false;
  *id = static_cast<uint32_t>(value);
  return true;
}

std::vector<PasswdEntry> ParsePasswd(std::string_view text, int* foreign) {
  std::vector<PasswdEntry> entries;
  std::string_view line;
  while (NextLine(text, line)) {
    line = EntryLine(line, foreign);
    if (line.empty()) continue;
    std::vector<std::string> fields = SplitFields(line, ':', 7);
    PasswdEntry entry;
    if (fields.size() < 4 || !ParseId(fields[2], &entry.uid) ||
        !ParseId(fields[3], &entry.gid))
      continue;
    fields.resize(7);
    entry.name = std::move(fields[0]);
    entry.password = std::move(fields[1]);
    entry.comment = std::move(fields[4]);
    entry.home = std::move(fields[5]);
    entry.shell = std::move(fields[6]);
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<GroupEntry> ParseGroup(std::string_view text, int* foreign) {
  std::vector<GroupEntry> entries;
  std::string_view line;
  while (NextLine(text, line)) {
    line = EntryLine(line, foreign);
    if (line.empty()) continue;
    std::vector<std::string> fields = SplitFields(line, ':', 4);
    GroupEntry entry;
    if (fields.size() < 3 || !ParseId(fields[2], &entry.gid)) continue;
    entry.name = std::move(fields[0]);
    fields.resize(4);
    for (const std::string& member : SplitFields(fields[3], ',')) {
      // Blanks before a name are skipped, those behind it are part of it.
      const size_t first = member.find_first_not_of(" \t\r\v\f");
      if (first != std::string::npos)
        entry.members.push_back(member.substr(first));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

absl::StatusOr<std::vector<PasswdEntry>> ReadPasswd(const Host& host,
                                                    int* foreign) {
  ASSIGN_OR_RETURN(const std::string text,
                   host.Read("/etc/passwd", kAccountFileCap));
  return ParsePasswd(text, foreign);
}

absl::StatusOr<std::vector<GroupEntry>> ReadGroups(const Host& host,
                                                   int* foreign) {
  ASSIGN_OR_RETURN(const std::string text,
                   host.Read("/etc/group", kAccountFileCap));
  return ParseGroup(text, foreign);
}

}  // namespace metsuke
