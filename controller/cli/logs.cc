// metsukectl logs: how far back each log of a host can be read.

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "controller/cli/items.h"
#include "controller/cli/query.h"
#include "controller/cli/session.h"
#include "proto/command_line.h"

namespace metsuke::cli {
namespace {

struct Options {
  std::string host, selector;
  int days = 90;
};

constexpr int kCells = 30;
constexpr int64_t kDay = 86400;

// The instant that a column holds; nothing when it has none.
std::optional<int64_t> InstantOf(const Item& row, const char* column) {
  const auto text = row.find(column);
  if (text == row.end() || !text->is_string()) return std::nullopt;
  const auto instant = ParseInstant(text->get<std::string>());
  return instant.ok() ? std::optional(*instant) : std::nullopt;
}

// Whether one of the row's gaps reaches into the time from `begin` to `end`. A
// gap without an end is a moment.
bool HasGap(const Item& gaps, int64_t begin, int64_t end) {
  return std::ranges::any_of(gaps, [&](const Item& gap) {
    const auto since = gap[0].get<int64_t>(), until = gap[1].get<int64_t>();
    return since < end && std::max(since, until) >= begin;
  });
}

// The last days from left to right: where there are records, where they are
// missing, and what is older than the log is meant to reach.
std::string Picture(const Item& row, int days, int64_t now) {
  const auto oldest = InstantOf(row, "oldest"), newest = InstantOf(row, "newest");
  const auto reach = row.find("reach_days");
  const int64_t kept = reach != row.end() && reach->is_number()
                           ? reach->get<int64_t>()
                           : -1;
  const Item gaps = Item::parse(row.value("gaps", "[]"), nullptr, false);
  std::string cells;
  for (int i = 0; i < kCells; ++i) {
    const int64_t begin = now - kDay * days * (kCells - i) / kCells;
    const int64_t end = now - kDay * days * (kCells - i - 1) / kCells;
    // The newest record is known to the hour at worst.
    if (oldest && newest && *oldest < end && *newest + 3600 > begin)
      cells += gaps.is_array() && HasGap(gaps, begin, end) ? "▒" : "█";
    else
      cells += kept >= 0 && end <= now - kept * kDay ? "·" : "░";
  }
  return cells;
}

absl::StatusOr<int> Logs(const Session& session, const Options& options) {
  v1::QueryRequest request;
  request.set_sql(
      "SELECT source, path, "
      "CASE WHEN oldest > 0 THEN utc(oldest) ELSE '' END AS oldest, "
      "CASE WHEN newest > 0 THEN utc(newest) ELSE '' END AS newest, "
      "records_per_day, reach_days, "
      "CASE WHEN removal > 0 THEN utc(removal) ELSE '' END AS removal, "
      "kept_by, copy, unread, "
      "coalesce((SELECT CASE min(arrived) WHEN 1 THEN 'arrived' WHEN 0 THEN 'missed' END "
      "FROM log_heartbeats AS h WHERE h.path = log_sources.path), '') "
      "AS heartbeat, "
      "(SELECT json_group_array(json_array(since, until)) FROM log_gaps AS g "
      "WHERE g.path = log_sources.path "
      // What waits is not missing.
      "AND reason NOT LIKE 'records of audit waited%') AS gaps "
      "FROM log_sources ORDER BY source, path");
  request.set_host(options.host);
  request.set_selector(options.selector);
  const int64_t now = std::time(nullptr);
  return PrintQuery(
      session, "LogSource", request,
      [&](Item& items, std::vector<Column>& columns) {
        for (Item& row : items) {
          row["picture"] = Picture(row, options.days, now);
          if (row["reach_days"] == -1) row["reach_days"] = "all";
          else row["reach_days"] = fmt::format("{} d", row["reach_days"].dump());
        }
        columns = {{"host", "HOST"},
                   {"source", "SOURCE"},
                   {"path", "PATH"},
                   {"picture", fmt::format("LAST {} DAYS", options.days)},
                   {"oldest", "OLDEST"},
                   {"newest", "NEWEST", false, true},
                   {"records_per_day", "A DAY", true},
                   {"reach_days", "REACHES", true},
                   {"removal", "OLDEST GOES", false, true},
                   {"kept_by", "KEPT BY", false, true},
                   {"copy", "COPY"},
                   {"heartbeat", "HEARTBEAT"},
                   {"unread", "UNREAD", false, true}};
        fmt::print(stderr,
                   "█ between the first record and the last, ▒ with a gap, ░ "
                   "none, · older than what is kept\n");
      });
}

}  // namespace

void AddLogs(CommandLine& line, Session& session) {
  const auto options = std::make_shared<Options>();
  CommandLine& command = line.Command(
      "logs", "How far back each log can be read, and when it will be cut",
      [&session, options] {
        session.run = [&session, options] { return Logs(session, *options); };
      });
  command.Word("host", options->host, "Name or id of one host; all without it");
  command.Option("-l,--selector", options->selector,
                 "Labels the hosts must have: key=value,key");
  command.Option("--days", options->days, "How many days the picture shows")
      .Between(1, 3650)
      .ShowDefault();
}

}  // namespace metsuke::cli
