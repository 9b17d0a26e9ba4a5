#include "controller/store/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "controller/drift/drift_events.h"
#include "controller/drift/shared_columns.h"
#include "controller/store/state.h"
#include "proto/encode.h"
#include "proto/log.h"
#include "proto/snapshot.pb.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// Events of one transaction.
constexpr int64_t kPage = 1000;
// SQLite's integers are signed.
constexpr uint64_t kLargestCount = std::numeric_limits<int64_t>::max();

// The events of one kind, or of all, page by page.
class Pages {
 public:
  Pages(std::string kind, int64_t since, const ReadPage& read)
      : kind_(std::move(kind)), after_{since, ""}, read_(read) {}

  // The next event; null at the end. It is good until Pop.
  absl::StatusOr<v1::Event*> Peek() {
    if (at_ == page_.size() && !ended_) {
      ASSIGN_OR_RETURN(page_, read_(kind_, after_));
      at_ = 0;
      ended_ = page_.empty();
      if (!ended_) after_ = {page_.back().time(), page_.back().id()};
    }
    return at_ < page_.size() ? &page_[at_] : nullptr;
  }
  void Pop() { ++at_; }

 private:
  std::string kind_;
  EventPlace after_;
  const ReadPage& read_;
  std::vector<v1::Event> page_;
  size_t at_ = 0;
  bool ended_ = false;
};

bool Before(const v1::Event& a, const v1::Event& b) {
  return a.time() != b.time() ? a.time() < b.time() : a.id() < b.id();
}

// How far a table could be seen.
struct View {
  bool collected = false;
  std::vector<std::string> gaps;  // rows of it
  bool operator==(const View&) const = default;
};

// The tables of a state that are about the others.
absl::StatusOr<v1::Snapshot> ReadAbout(Database& database,
                                       const TableDigests& state) {
  v1::Snapshot about;
  for (const char* name : {"collections", "gaps"}) {
    const auto digest = state.find(name);
    if (digest == state.end()) continue;
    ASSIGN_OR_RETURN(const std::string rows, ReadBody(database, digest->second));
    if (!about.MergeFromString(rows))
      return absl::DataLossError("the stored rows cannot be read");
  }
  return about;
}

View ViewOf(const v1::Snapshot& about, const std::string& table) {
  View view;
  for (const v1::Collection& row : about.collections())
    if (row.table() == table)
      view.collected = row.status() == "ok" || row.status() == "absent";
  for (const v1::Gap& gap : about.gaps())
    if (gap.table() == table && gap.columns().empty())
      view.gaps.push_back(gap.subject());
  return view;
}

// What must have happened for a table to be another.
absl::StatusOr<std::vector<v1::Event>> Drift(Database& database,
                                             const TableDigests& before,
                                             const TableDigests& after,
                                             const std::string& table) {
  ASSIGN_OR_RETURN(const v1::Snapshot old_about, ReadAbout(database, before));
  ASSIGN_OR_RETURN(const v1::Snapshot new_about, ReadAbout(database, after));
  const View was = ViewOf(old_about, table), is = ViewOf(new_about, table);
  if (!is.collected) return std::vector<v1::Event>{};
  if (was != is && !TellsByItself(table))
    return std::vector<v1::Event>{UntoldDrift(table)};
  ASSIGN_OR_RETURN(const std::string old_rows,
                   ReadBody(database, before.at(table)));
  ASSIGN_OR_RETURN(const std::string new_rows,
                   ReadBody(database, after.at(table)));
  return DriftEvents(table, old_rows, new_rows,
                     SharedColumns(old_about, new_about, table));
}

}  // namespace

absl::Status StoreEvents(Database& database, const std::string& host,
                         std::span<const v1::Event> events) {
  for (const v1::Event& event : events) {
    const std::string bytes = event.SerializeAsString();
    RETURN_IF_ERROR(database.Execute(
        "INSERT INTO event(host, time, id, kind, count, event) "
        "VALUES(?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET count = excluded.count, "
        "event = excluded.event WHERE excluded.count > count",
        host, event.time(), Blob{event.id()}, event.kind(),
        static_cast<int64_t>(std::min(event.count(), kLargestCount)),
        Blob{bytes}));
  }
  return absl::OkStatus();
}

absl::Status StoreDrift(Database& database, const std::string& host,
                        const TableDigests& before, const TableDigests& after,
                        int64_t time, DriftMemo& memo) {
  for (const std::string_view name : DriftTables()) {
    const std::string table(name);
    const auto was = before.find(table), is = after.find(table);
    if (was == before.end() || is == after.end() || was->second == is->second)
      continue;
    const std::string key = DriftMemo::KeyOf(table, before, after);
    if (memo.Find(key) == nullptr) {
      auto events = Drift(database, before, after, table);
      if (!events.ok()) {
        // A damaged body must not keep records from being stored.
        Log(Priority::kError, fmt::format("host {}: {}: {}",
                                          enc::Log(HostText(host)), table,
                                          Message(events.status())));
        continue;
      }
      memo.Keep(key, *std::move(events));
    }
    std::vector<v1::Event> events = *memo.Find(key);
    SetTime(time, events);
    RETURN_IF_ERROR(StoreEvents(database, host, events));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::Event>> ReadEvents(Database& database,
                                                  const std::string& host,
                                                  const std::string& kind,
                                                  const EventPlace& after,
                                                  int64_t until) {
  // With a kind the index on it tells the order; a condition that need not hold
  // would keep SQLite from using either.
  Query query =
      kind.empty()
          ? database.Run("SELECT event FROM event WHERE host = ? AND "
                         "(time, id) > (?, ?) AND time < ? "
                         "ORDER BY time, id LIMIT ?",
                         host, after.time, Blob{after.id}, until, kPage)
          : database.Run("SELECT event FROM event WHERE host = ? AND "
                         "(time, id) > (?, ?) AND time < ? AND kind = ? "
                         "ORDER BY time, id LIMIT ?",
                         host, after.time, Blob{after.id}, until, kind, kPage);
  std::vector<v1::Event> events;
  while (query.Step())
    if (!events.emplace_back().ParseFromString(query.Text(0)))
      return absl::DataLossError(
          "an event is not what was stored: the database is damaged; restore it "
          "from a backup");
  RETURN_IF_ERROR(query.status());
  return events;
}

absl::Status VisitPages(const EventFilter& filter, const ReadPage& read,
                        const Store::TakeEvent& take) {
  std::vector<std::string> kinds = filter.kinds;
  if (kinds.empty()) kinds.emplace_back();
  std::vector<Pages> sources;
  for (const std::string& kind : kinds)
    sources.emplace_back(kind, filter.since, read);
  while (true) {
    Pages* first = nullptr;
    v1::Event* event = nullptr;
    for (Pages& source : sources) {
      ASSIGN_OR_RETURN(v1::Event* const next, source.Peek());
      if (next == nullptr || (event != nullptr && Before(*event, *next)))
        continue;
      first = &source;
      event = next;
    }
    if (event == nullptr || !take(std::move(*event))) return absl::OkStatus();
    first->Pop();
  }
}

absl::Status ForgetEvents(Database& database, int64_t before) {
  // By way of the hosts, whose events stand together in order of time.
  RETURN_IF_ERROR(database.Execute(
      "DELETE FROM event WHERE (host, time, id) IN (SELECT e.host, e.time, e.id "
      "FROM host CROSS JOIN event e ON e.host = host.id AND e.time < ?1)",
      before));
  return database.Execute(
      "DELETE FROM event WHERE host IN (SELECT id FROM host "
      "WHERE removed <> 0 AND removed < ?1)",
      before);
}

}  // namespace metsuke
