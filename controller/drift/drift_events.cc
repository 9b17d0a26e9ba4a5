#include "controller/drift/drift_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "proto/event_id.h"
#include "proto/event_words.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

constexpr size_t kMaxDetail = 400, kMaxAccount = 256;  // bytes
// Of both bodies; what is larger is no server's, and takes too long.
constexpr size_t kMostBytes = 8 << 20;
// Of one table between two states; a new release replaces every package.
constexpr size_t kMostEvents = 500;

// Rows of this table are events where the last column of their key begins so: the
// agent saw the clearing of a log (LogGap.reason).
constexpr std::string_view kClearedTable = "log_gaps", kReason = "reason=";

// Which changes of a table are events.
struct Kind {
  std::string_view table;
  std::string_view kind;     // Event.kind
  std::string_view account;  // the key column that is Event.account, or ""
  // The columns that tell what changed, in this order; "" for none.
  std::string_view columns[8];
};

constexpr Kind kKinds[] = {
    {"packages", "package", "", {"version", "status"}},
    {"services", "service", "", {"load", "enabled", "active"}},
    {"authorized_keys",
     "key",
     "account",
     {"type", "comment", "from", "command", "options"}},
    {"accounts",
     "account",
     "name",
     {"uid", "gid", "home", "shell", "password", "password_changed",
      "password_max_days", "expires"}},
    {"groups", "group", "", {"gid", "members"}},
    {"sudo_rules", "privilege", "subject", {"denied", "authenticate"}},
    {"audit_status",
     "recorder",
     "",
     {"enabled", "locked", "daemon", "failure", "lost"}},
    {kClearedTable, "recorder", "", {"until"}},
};

const Kind* Find(std::string_view table) {
  const auto* kind = std::ranges::find(kKinds, table, &Kind::table);
  return kind == std::end(kKinds) ? nullptr : kind;
}

// Services come and go by themselves, by timers, on demand and with each login: of
// what runs only a failure is an event.
bool IsPassing(const Kind& kind, const v1::ColumnChange& column) {
  return kind.table == "services" && column.column() == "active" &&
         column.before() != "failed" && column.after() != "failed";
}

// Whether the row is one of a service that was made for the moment, an instance
// or one that no file was installed for; or of records that are missing for
// another reason than that somebody cleared a log.
bool IsPassing(const Kind& kind, const v1::Change& change) {
  if (kind.table == kClearedTable)
    return change.kind() != "added" ||
           !change.key(change.key_size() - 1)
                .starts_with(std::string(kReason) += kCleared);
  if (kind.table != "services" || change.kind() == "changed") return false;
  return change.key(0).find('@') != std::string::npos ||
         std::ranges::none_of(change.columns(), [](const auto& column) {
           const std::string& enabled =
               column.before().empty() ? column.after() : column.before();
           return column.column() == "enabled" &&
                  (enabled == "enabled" || enabled == "disabled" ||
                   enabled == "masked");
         });
}

// What is kept of a text that a user of the host may have written.
std::string Shortened(const std::string& text, size_t most) {
  return std::string(Utf8Prefix(text, most));
}

std::string Value(const std::string& text) { return text.empty() ? "-" : text; }

// What changed in the columns that count, joined; nothing when none did.
std::optional<std::string> Columns(const Kind& kind, const v1::Change& change) {
  std::map<std::string_view, const v1::ColumnChange*> columns;
  for (const v1::ColumnChange& column : change.columns())
    columns[column.column()] = &column;
  std::vector<std::string> texts;
  for (const std::string_view name : kind.columns) {
    const auto column = columns.find(name);
    if (name.empty() || column == columns.end() || IsPassing(kind, *column->second)) continue;
    const v1::ColumnChange& one = *column->second;
    if (change.kind() == "changed")
      texts.push_back(fmt::format("{} {} to {}", name, Value(one.before()),
                                  Value(one.after())));
    else
      texts.push_back(fmt::format(
          "{} {}", name, change.kind() == "added" ? one.after() : one.before()));
  }
  if (texts.empty() && change.kind() == "changed") return std::nullopt;
  return fmt::format("{}", fmt::join(texts, ", "));
}

// The row's key as it is written in a sentence, without the account in it.
std::string Key(const Kind& kind, const v1::Change& change,
                std::string& account) {
  std::string words;
  for (const std::string& key : change.key()) {
    const size_t equals = key.find('=');
    const std::string value = key.substr(equals + 1);
    if (key.substr(0, equals) == kind.account)
      account = value;
    else if (!value.empty())
      words += (words.empty() ? "" : " ") + value;
  }
  return words;
}

v1::Event Drifted(const Kind& kind, const std::string& detail) {
  v1::Event event;
  event.set_kind(std::string(kind.kind));
  event.set_service(std::string(kind.table));
  event.set_detail(Shortened(detail, kMaxDetail));
  event.set_count(1);
  event.set_source("drift");
  return event;
}

std::optional<v1::Event> EventOf(const Kind& kind, const v1::Change& change) {
  const std::optional<std::string> columns = Columns(kind, change);
  if (IsPassing(kind, change)) return std::nullopt;
  if (!columns) return std::nullopt;
  std::string account;
  const std::string key = Key(kind, change, account);
  // That a log was cleared ends the key, and is all that is told of its table.
  v1::Event event = Drifted(
      kind, kind.table == kClearedTable
                ? fmt::format("{}, {}", key, *columns)
                : fmt::format("{}{}{}{}{}", key, key.empty() ? "" : " ",
                              change.kind(), columns->empty() ? "" : ": ",
                              *columns));
  event.set_account(Shortened(account, kMaxAccount));
  return event;
}

}  // namespace

bool TellsByItself(std::string_view table) { return table == kClearedTable; }

std::span<const std::string_view> DriftTables() {
  static const std::vector<std::string_view>* const tables = [] {
    auto* names = new std::vector<std::string_view>;
    for (const Kind& kind : kKinds) names->push_back(kind.table);
    return names;
  }();
  return *tables;
}

absl::StatusOr<std::vector<v1::Event>> DriftEvents(const std::string& table,
                                                   const std::string& before,
                                                   const std::string& after,
                                                   uint32_t columns) {
  const Kind* const kind = Find(table);
  if (kind == nullptr) return std::vector<v1::Event>{};
  if (before.size() + after.size() > kMostBytes)
    return std::vector<v1::Event>{
        Drifted(*kind, "changed: too large to tell how")};
  ASSIGN_OR_RETURN(const std::vector<v1::Change> changes,
                   DiffTable(table, before, after, columns));
  std::vector<v1::Event> events;
  size_t more = 0;
  for (const v1::Change& change : changes)
    if (auto event = EventOf(*kind, change)) {
      if (events.size() < kMostEvents)
        events.push_back(*std::move(event));
      else
        ++more;
    }
  if (more > 0) {
    events.push_back(Drifted(*kind, fmt::format("and {} more", more)));
    events.back().set_count(more);
  }
  return events;
}

v1::Event UntoldDrift(const std::string& table) {
  return Drifted(*Find(table),
                 "changed, but was not seen in the same way before: what else "
                 "changed is not told");
}

void SetTime(int64_t time, std::vector<v1::Event>& events) {
  size_t number = 0;
  for (v1::Event& event : events) {
    event.set_time(time);
    event.set_id(EventId(static_cast<uint64_t>(time) * 1'000'000,
                         fmt::format("{}\n{}\n{}\n{}", event.service(),
                                     number++, event.account(),
                                     event.detail())));
  }
}

}  // namespace metsuke
