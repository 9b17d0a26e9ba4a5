#include "controller/judge/query.h"

#include <algorithm>
#include <map>
#include <optional>

#include "controller/judge/reduce.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// Each host could have a reason of its own.
constexpr size_t kMaxReasons = 1000;
constexpr char kOtherReasons[] = "other reasons, which are too many to tell";
// What a column `host` of the rows is called, beside that of whose rows they
// are.
constexpr char kRowHost[] = "row_host";
constexpr QueryLimits kLimits{.rows = 100'000, .bytes = 64 << 20};

// States that look the same to the query.
using Group = std::vector<const StateHosts*>;

// A part of a key that stands for the rows of the table.
std::string Part(const TableDigests& state, const std::string& table) {
  const auto digest = state.find(table);
  return (digest == state.end() ? "-" : digest->second) + '\0';
}

std::string GroupKey(const TableDigests& state, const Reads& reads) {
  std::string key;
  for (const auto& [table, columns] : reads) key += Part(state, table);
  return key;
}

// A runaway query is as bad on the next host, and so is a store that cannot
// be read; a body that is damaged or does not suit the query is one host's.
bool EndsAll(absl::StatusCode code) {
  return code == absl::StatusCode::kResourceExhausted ||
         code == absl::StatusCode::kDeadlineExceeded ||
         code == absl::StatusCode::kUnavailable;
}

}  // namespace

// One run of a query.
class FleetQuery::Runner {
 public:
  Runner(FleetQuery& query, const BodySource& bodies, int64_t now)
      : query_(query), bodies_(bodies), now_(now) {}

  absl::StatusOr<Shortfall> Run(const std::vector<StateHosts>& states,
                                const RowSink& sink);

 private:
  absl::Status RunGroup(const Group& group, const RowSink& sink);
  absl::StatusOr<std::string> Body(const StateHosts& state,
                                   const std::string& table);
  absl::StatusOr<Rows> QueryState(const StateHosts& state);
  std::vector<HostText> Blind(const StateHosts& state);
  void NoteIncomplete(const StateHosts& state, const absl::Status& status);

  FleetQuery& query_;
  const BodySource& bodies_;
  const int64_t now_;
  // What could not be seen, by all that it depends on.
  std::map<std::string, std::vector<HostText>> blind_;
  Shortfall shortfall_;
};

absl::StatusOr<std::string> FleetQuery::Runner::Body(const StateHosts& state,
                                                     const std::string& table) {
  const auto digest = state.tables.find(table);
  if (digest == state.tables.end()) return std::string();
  auto bytes = ReadBody(bodies_, digest->second);
  if (!bytes.ok()) return Annotate(bytes.status(), table);
  return bytes;
}

absl::StatusOr<Rows> FleetQuery::Runner::QueryState(const StateHosts& state) {
  for (const auto& [table, columns] : query_.access_.reads) {
    const auto digest = state.tables.find(table);
    const std::string known =
        digest == state.tables.end() ? "" : digest->second;
    if (query_.tables_.Holds(table, known)) continue;
    ASSIGN_OR_RETURN(const std::string bytes, Body(state, table));
    RETURN_IF_ERROR(query_.tables_.Load(table, known, bytes));
  }
  return query_.tables_.Query(query_.sql_, now_, kLimits);
}

// What the hosts of the state could not show of the tables.
std::vector<HostText> FleetQuery::Runner::Blind(const StateHosts& state) {
  std::vector<HostText> reasons;
  v1::Snapshot snapshot;
  for (const char* table : kSightTables)
    if (const auto bytes = Body(state, table); !bytes.ok())
      reasons.push_back(HostText(Message(bytes.status())));
    else if (!snapshot.MergeFromString(*bytes))
      reasons.push_back(HostText(std::string(table) + ": cannot be read"));
  const Sight sight(snapshot, state.tables);
  for (const auto& [table, columns] : query_.access_.reads)
    if (auto why = sight.Unseen(table);
        why || (why = sight.Missing(table, columns)) ||
        (why = sight.Gap(table, columns)))
      reasons.push_back(*std::move(why));
  return reasons;
}

// Notes what the hosts of the state could not show of the tables, or that the
// query failed on them.
void FleetQuery::Runner::NoteIncomplete(const StateHosts& state,
                                        const absl::Status& status) {
  // Many states differ in nothing of this.
  std::string key = GroupKey(state.tables, query_.access_.reads);
  for (const char* table : kSightTables) key += Part(state.tables, table);
  const auto [blind, fresh] = blind_.try_emplace(std::move(key));
  if (fresh) blind->second = Blind(state);
  std::vector<HostText> reasons = blind->second;
  if (!status.ok()) reasons.insert(reasons.begin(), HostText(Message(status)));
  if (reasons.empty()) return;
  shortfall_.incomplete_hosts += state.hosts.size();
  for (const HostText& reason : reasons) {
    auto& incomplete = shortfall_.incomplete;
    const bool told = incomplete.size() < kMaxReasons ||
                      incomplete.contains(reason.raw());
    auto& hosts = incomplete[told ? reason.raw() : kOtherReasons];
    hosts.insert(hosts.end(), state.hosts.begin(), state.hosts.end());
  }
}

absl::Status FleetQuery::Runner::RunGroup(const Group& group,
                                          const RowSink& sink) {
  auto rows = QueryState(*group[0]);
  if (!rows.ok() && EndsAll(rows.status().code())) return rows.status();
  for (const StateHosts* state : group) {
    NoteIncomplete(*state, rows.status());
    if (!rows.ok()) continue;
    shortfall_.omitted += rows->omitted * state->hosts.size();
    for (const HostText& host : state->hosts)
      for (const Row& row : rows->rows) {
        Row out{host};
        out.insert(out.end(), row.begin(), row.end());
        RETURN_IF_ERROR(sink(std::move(out)));
      }
  }
  return absl::OkStatus();
}

absl::StatusOr<Shortfall> FleetQuery::Runner::Run(
    const std::vector<StateHosts>& states, const RowSink& sink) {
  // Groups in the order of their first state.
  std::map<std::string, size_t> places;
  std::vector<Group> groups;
  for (const StateHosts& state : states) {
    const auto [place, fresh] = places.emplace(
        GroupKey(state.tables, query_.access_.reads), groups.size());
    if (fresh) groups.emplace_back();
    groups[place->second].push_back(&state);
  }
  for (const Group& group : groups) RETURN_IF_ERROR(RunGroup(group, sink));
  return std::move(shortfall_);
}

absl::StatusOr<FleetQuery> FleetQuery::Compile(const std::string& sql,
                                               const std::string& reduce) {
  ASSIGN_OR_RETURN(Tables tables, Tables::Open());
  ASSIGN_OR_RETURN(Access access, tables.Compile(sql));
  const auto has = [&](const char* column) {
    return std::ranges::find(access.columns, column) != access.columns.end();
  };
  if (has("host") && has(kRowHost))
    return absl::InvalidArgumentError(
        "a column `host` with the host's name is added to the rows, and yours "
        "is called `row_host`; call one of yours something else by AS");
  std::ranges::replace(access.columns, std::string("host"), kRowHost);
  FleetQuery query(std::move(tables), std::move(access));
  query.sql_ = sql;
  query.reduce_ = reduce;
  query.mapped_columns_ = query.access_.columns;
  query.mapped_columns_.insert(query.mapped_columns_.begin(), "host");
  query.columns_ = query.mapped_columns_;
  if (reduce.empty()) return query;
  ASSIGN_OR_RETURN(Reducer reducer, Reducer::Open(query.mapped_columns_));
  const auto reduced = reducer.Compile(reduce);
  if (!reduced.ok()) return Annotate(reduced.status(), "reduce");
  query.columns_ = reduced->columns;
  return query;
}

absl::StatusOr<Shortfall> FleetQuery::Run(const std::vector<StateHosts>& states,
                                          const BodySource& bodies, int64_t now,
                                          const RowSink& sink) {
  Runner runner(*this, bodies, now);
  if (reduce_.empty()) return runner.Run(states, sink);
  ASSIGN_OR_RETURN(Reducer reducer, Reducer::Open(mapped_columns_));
  ASSIGN_OR_RETURN(Shortfall shortfall, runner.Run(states, [&](Row row) {
    return reducer.Add(row);
  }));
  if (shortfall.omitted > 0)
    return absl::ResourceExhaustedError(
        "a host has too many rows for the reduce to be right; let the first "
        "query select less");
  auto rows = reducer.Query(reduce_, now);
  if (!rows.ok()) return Annotate(rows.status(), "reduce");
  shortfall.omitted = rows->omitted;
  for (Row& row : rows->rows) RETURN_IF_ERROR(sink(std::move(row)));
  return shortfall;
}

}  // namespace metsuke
