#include "collectors/syslog_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

#include "collectors/words.h"

namespace metsuke {
namespace {

// Names of rsyslog's syslogFacNames and of syslog-ng's syslog-names.c, by code
// (RFC 5424, table 1); the first one of a code is that of syslog(3), and the
// others have none there.
constexpr std::pair<std::string_view, int> kFacilities[] = {
    {"kern", 0},    {"user", 1},     {"mail", 2},    {"daemon", 3},
    {"auth", 4},    {"security", 4}, {"syslog", 5},  {"lpr", 6},
    {"news", 7},    {"uucp", 8},     {"cron", 9},    {"authpriv", 10},
    {"ftp", 11},    {"ntp", 12},     {"audit", 13},  {"alert", 14},
    {"clock", 15},  {"local0", 16},  {"local1", 17}, {"local2", 18},
    {"local3", 19}, {"local4", 20},  {"local5", 21}, {"local6", 22},
    {"local7", 23}};
constexpr int kFirstWithout = 12, kLastWithout = 15;

constexpr std::pair<std::string_view, int> kSeverities[] = {
    {"emerg", 0},  {"panic", 0}, {"alert", 1},   {"crit", 2},
    {"err", 3},    {"error", 3}, {"warning", 4}, {"warn", 4},
    {"notice", 5}, {"info", 6},  {"debug", 7}};

template <size_t N>
std::optional<int> Code(const std::pair<std::string_view, int> (&names)[N],
                        std::string_view word) {
  const std::string name = Lower(word);
  const auto* const known =
      std::ranges::find(names, name, &std::pair<std::string_view, int>::first);
  if (known == std::end(names)) return {};
  return known->second;
}

template <size_t N>
std::string Name(const std::pair<std::string_view, int> (&names)[N], int code) {
  return std::string(
      std::ranges::find(names, code, &std::pair<std::string_view, int>::second)
          ->first);
}

// The lowest severity of `bits` when it and all above are there, else each
// with "=".
std::string SeverityText(uint8_t bits) {
  for (int i = 0; i < 8; ++i)
    if (bits == (2 << i) - 1) return Name(kSeverities, i);
  std::string text;
  for (int i = 0; i < 8; ++i)
    if (bits & 1 << i)
      text +=
          fmt::format("{}={}", text.empty() ? "" : ",", Name(kSeverities, i));
  return text;
}

}  // namespace

SyslogMask EveryMessage() {
  SyslogMask mask;
  mask.fill(0xff);
  return mask;
}

SyslogMask operator&(SyslogMask a, const SyslogMask& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] &= b[i];
  return a;
}

SyslogMask operator|(SyslogMask a, const SyslogMask& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] |= b[i];
  return a;
}

SyslogMask operator~(SyslogMask mask) {
  for (uint8_t& bits : mask) bits = static_cast<uint8_t>(~bits);
  return mask;
}

std::optional<int> FacilityCode(std::string_view name) {
  return Code(kFacilities, name);
}

std::optional<int> SeverityCode(std::string_view name) {
  return Code(kSeverities, name);
}

void SyslogRoutes::Add(const SyslogMask& mask, const SyslogAction& action,
                       const std::string& source) {
  routes_.push_back({mask & alive_, action, source});
  if (action.action == "discard") End(mask);
}

std::vector<v1::SyslogRoute> SyslogRoutes::Rows(
    const std::string& daemon) const {
  // Two rules may send one facility to one place: together they are one row.
  struct Row {
    size_t facility;
    const Route* route;
    uint8_t bits;
  };
  std::vector<Row> rows;
  std::map<std::tuple<size_t, std::string_view, std::string_view>, size_t>
      row_of;
  for (const Route& route : routes_)
    for (size_t i = 0; i < route.mask.size(); ++i) {
      if ((i >= kFirstWithout && i <= kLastWithout) || route.mask[i] == 0)
        continue;
      const auto [row, added] = row_of.try_emplace(
          {i, route.action.action, route.action.target}, rows.size());
      if (added) rows.push_back({i, &route, 0});
      rows[row->second].bits |= route.mask[i];
    }
  std::vector<v1::SyslogRoute> routes;
  for (const Row& row : rows) {
    v1::SyslogRoute& route = routes.emplace_back();
    route.set_facility(Name(kFacilities, static_cast<int>(row.facility)));
    route.set_severity(SeverityText(row.bits));
    route.set_action(row.route->action.action);
    route.set_target(row.route->action.target);
    route.set_daemon(daemon);
    route.set_source(row.route->source);
  }
  return routes;
}

}  // namespace metsuke
