#include "controller/store/fleet.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <unordered_map>
#include <utility>

#include "controller/store/labels.h"
#include "controller/store/state.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/snapshot.pb.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke {
namespace {

// A host with what is needed to find its state at some instant.
struct HostRow {
  FleetHost host;
  std::string state;  // digest of the current one; empty when none
  int64_t state_since = 0;
  // The same of what the controller saw itself.
  std::string seen;
  int64_t seen_since = 0;
};

// Hosts that are read at once.
constexpr int64_t kPage = 1000;

// What the digest of a table takes in memory, with its name and its node.
constexpr size_t kTableBytes = 200;

// A literal, as statements are. Of an instant ?1 that is past it is only known
// when a host was heard of last if it was silent.
#define METSUKE_HOST_COLUMNS                                               \
  "id, name, enrolled, CASE WHEN ?1 = 0 THEN last_seen ELSE coalesce("     \
  "(SELECT since FROM (SELECT since, until FROM silence "                  \
  "WHERE silence.host = host.id AND since <= ?1 ORDER BY since DESC "      \
  "LIMIT 1) WHERE until > ?1), min(last_seen, ?1)) END, "                  \
  "version, os_name, lost, "                                               \
  "state, state_since, seen, seen_since, last_knock, address, "            \
  "knocked_for, knock_address"

// Hosts that were part of the fleet at the instant ?1; 0 is now.
#define METSUKE_IN_FLEET                           \
  "(removed = 0 OR (?1 > 0 AND removed > ?1)) AND " \
  "(?1 = 0 OR enrolled <= ?1)"

// Into what is there, whose strings keep their memory from row to row.
void ReadRow(const Query& query, HostRow& row) {
  v1::HostEntry& entry = row.host.entry;
  entry.mutable_id()->assign(query.Bytes(0));
  entry.mutable_host()->assign(query.Bytes(1));
  entry.set_enrolled(query.Int(2));
  entry.set_last_seen(query.Int(3));
  entry.mutable_agent_version()->assign(query.Bytes(4));
  entry.mutable_os_name()->assign(query.Bytes(5));
  entry.set_lost_records(static_cast<uint64_t>(query.Int(6)));
  row.state.assign(query.Bytes(7));
  row.state_since = query.Int(8);
  row.seen.assign(query.Bytes(9));
  row.seen_since = query.Int(10);
  entry.set_last_knock(query.Int(11));
  entry.mutable_address()->assign(query.Bytes(12));
  row.host.knocked_for.assign(query.Bytes(13));
  row.host.knock_address.assign(query.Bytes(14));
}

absl::Status AddLabels(Database& database, v1::HostEntry& entry) {
  ASSIGN_OR_RETURN(const auto labels, SelectLabels(database, entry.id()));
  entry.mutable_labels()->Assign(labels.begin(), labels.end());
  return absl::OkStatus();
}

// How an error goes on that there is no host of this name: with at most three
// that may be meant. They are looked for among the next in the order of names,
// which has an index: what costs the same in every fleet may be asked for each
// line of a list.
absl::StatusOr<std::string> OthersLike(Database& database,
                                       const std::string& name, int64_t at) {
  constexpr int64_t kNeighbours = 50;
  constexpr int kMost = 3;
  std::set<std::string> near;
  const auto add = [&near](Query query) {
    while (query.Step()) near.insert(query.Text(0));
    return query.status();
  };
  RETURN_IF_ERROR(add(database.Run(
      "SELECT name FROM host WHERE " METSUKE_IN_FLEET
      " AND name < ?2 ORDER BY name DESC LIMIT ?3", at, name, kNeighbours)));
  RETURN_IF_ERROR(add(database.Run(
      "SELECT name FROM host WHERE " METSUKE_IN_FLEET
      " AND name > ?2 ORDER BY name LIMIT ?3", at, name, kNeighbours)));
  std::vector<std::string> names(near.begin(), near.end()), meant;
  for (int i = 0; i < kMost; ++i) {
    const std::string nearest = Nearest(name, names);
    if (nearest.empty()) break;
    std::erase(names, nearest);
    meant.push_back(enc::Log(HostText(nearest)));
  }
  std::string said;
  if (!meant.empty())
    said = fmt::format("; did you mean {}?", fmt::join(meant, ", "));
  // What lists hosts lists those of today.
  if (at == 0)
    said += (said.empty() ? "; " : " ") +
            std::string("metsukectl host list shows them");
  return said;
}

absl::StatusOr<HostRow> SelectOne(Database& database,
                                  const std::string& name_or_id, int64_t at) {
  // An id is looked for first, so that no host can hide another by taking its
  // id for a name.
  std::vector<HostRow> rows;
  Query query =
      database.Run("SELECT " METSUKE_HOST_COLUMNS
                   " FROM host WHERE " METSUKE_IN_FLEET
                   " AND (id = ?2 OR name = ?2) ORDER BY id <> ?2, id LIMIT 5",
                   at, name_or_id);
  while (query.Step()) ReadRow(query, rows.emplace_back());
  RETURN_IF_ERROR(query.status());
  const std::string shown = enc::Log(HostText(name_or_id));
  if (rows.empty()) {
    ASSIGN_OR_RETURN(const std::string others,
                     OthersLike(database, name_or_id, at));
    return absl::NotFoundError(
        (at == 0 ? fmt::format("no host is called \"{}\"", shown)
                 : fmt::format("no host called \"{}\" was in the fleet at that "
                               "time",
                               shown)) +
        others);
  }
  if (rows.size() > 1 && rows[0].host.entry.id() != name_or_id) {
    std::string ids;
    for (const HostRow& row : rows)
      ids += " " + enc::Log(HostText(row.host.entry.id()));
    return absl::FailedPreconditionError(fmt::format(
        "several hosts are called \"{}\"; name one by its id:{}", shown, ids));
  }
  RETURN_IF_ERROR(AddLabels(database, rows[0].host.entry));
  return std::move(rows[0]);
}

using Labels = FleetReader::Labels;

absl::StatusOr<Labels> SelectAllLabels(Database& database) {
  Labels labels;
  Query query = database.Run(
      "SELECT host, key || '=' || value FROM label ORDER BY host, key");
  while (query.Step()) labels.emplace_back(query.Text(0), query.Text(1));
  RETURN_IF_ERROR(query.status());
  return labels;
}

// The state of a host at an instant when it was not in its current one.
absl::StatusOr<v1::State> SelectStateAt(Database& database,
                                        const std::string& id, int64_t at) {
  v1::State state;
  // In the order of the key, so that StateDigest agrees with the agent's.
  Query query = database.Run(
      "SELECT table_number, digest FROM span WHERE host = ?1 AND since <= ?2 "
      "AND (until = 0 OR until > ?2) ORDER BY table_number",
      id, at);
  while (query.Step()) {
    const auto* field = v1::Snapshot::descriptor()->FindFieldByNumber(
        static_cast<int>(query.Int(0)));
    if (field == nullptr) continue;  // a table that was done away with
    v1::TableDigest& table = *state.add_tables();
    table.set_table(field->name());
    table.set_digest(query.Text(1));
  }
  RETURN_IF_ERROR(query.status());
  return state;
}

void SetLabels(const Labels& labels, v1::HostEntry& entry) {
  entry.clear_labels();
  auto label = std::lower_bound(labels.begin(), labels.end(),
                                std::pair(entry.id(), std::string()));
  for (; label != labels.end() && label->first == entry.id(); ++label)
    entry.add_labels(label->second);
}

}  // namespace

// Gives each distinct state one number.
class FleetReader::States {
 public:
  explicit States(KnownStates& known) : known_(known) {}

  absl::StatusOr<int> At(Database& database, const HostRow& row, int64_t at) {
    if (at == 0 || std::max(row.state_since, row.seen_since) <= at)
      return Current(database, row);
    ASSIGN_OR_RETURN(const v1::State state,
                     SelectStateAt(database, row.host.entry.id(), at));
    if (state.tables().empty()) return -1;
    const std::string digest = StateDigest(state);
    const auto [found, fresh] = numbers_.emplace(digest, size());
    if (!fresh || Knows(digest)) return found->second;
    HostState added{.digest = digest};
    for (const v1::TableDigest& table : state.tables())
      added.tables[table.table()] = table.digest();
    Add(digest, std::move(added));
    return found->second;
  }

  HostStates& all() { return states_; }

 private:
  int size() const { return static_cast<int>(states_.size()); }

  absl::StatusOr<int> Current(Database& database, const HostRow& row) {
    if (row.state.empty() && row.seen.empty()) return -1;
    key_.assign(row.state).append(row.seen);
    const auto [found, fresh] = numbers_.try_emplace(key_, size());
    if (!fresh || Knows(key_)) return found->second;
    HostState added{.digest = row.state};
    ASSIGN_OR_RETURN(added.tables, ReadState(database, row.state));
    if (!row.seen.empty()) {
      ASSIGN_OR_RETURN(TableDigests seen, ReadState(database, row.seen));
      // Where both have a table it is the controller's own.
      seen.merge(added.tables);
      added.tables = std::move(seen);
      added.digest = StateDigest(InOrder(added.tables));
    }
    Add(key_, std::move(added));
    return found->second;
  }

  // Whether the state was read before; then it is the next.
  bool Knows(const std::string& key) {
    auto state = known_.Find(key);
    if (state == nullptr) return false;
    states_.push_back(std::move(state));
    return true;
  }

  // A host that nobody labelled has no labels, and that is known.
  void Add(const std::string& key, HostState state) {
    static const std::string kEmpty = Sha256("");
    const bool whole = !state.tables.empty();
    state.tables.try_emplace("labels", kEmpty);
    const size_t size = sizeof(state) + state.tables.size() * kTableBytes;
    states_.push_back(std::make_shared<const HostState>(std::move(state)));
    if (whole) known_.Put(key, states_.back(), size);
  }

  KnownStates& known_;
  std::unordered_map<std::string, int> numbers_;
  std::string key_;
  HostStates states_;
};

FleetReader::FleetReader(HostFilter filter, int64_t at, KnownStates& known)
    : filter_(std::move(filter)),
      at_(at),
      states_(std::make_unique<States>(known)) {}

FleetReader::~FleetReader() = default;

HostStates& FleetReader::states() { return states_->all(); }

absl::StatusOr<std::span<FleetHost>> FleetReader::Next(Database& database) {
  ASSIGN_OR_RETURN(const Selector selector, Selector::Parse(filter_.selector));
  size_t taken = 0;
  // Trades the row for one that is no longer wanted.
  const auto take = [&](HostRow& row) -> absl::Status {
    if (!selector.Matches(row.host.entry.labels())) return absl::OkStatus();
    ASSIGN_OR_RETURN(row.host.state, states_->At(database, row, at_));
    if (taken == page_.size()) page_.emplace_back();
    std::swap(page_[taken++], row.host);
    return absl::OkStatus();
  };
  if (!filter_.host.empty() && !done_) {
    done_ = true;
    ASSIGN_OR_RETURN(HostRow row, SelectOne(database, filter_.host, at_));
    RETURN_IF_ERROR(take(row));
  }
  if (!done_ && !labels_) {
    ASSIGN_OR_RETURN(labels_, SelectAllLabels(database));
  }
  HostRow row;
  while (taken == 0 && !done_) {
    int64_t rows = 0;
    Query query = database.Run(
        "SELECT " METSUKE_HOST_COLUMNS " FROM host WHERE " METSUKE_IN_FLEET
        " AND (name, id) > (?2, ?3) ORDER BY name, id LIMIT ?4",
        at_, last_name_, last_id_, kPage);
    // The values that are bound must stay while the query lives.
    std::string name, id;
    for (; query.Step(); ++rows) {
      ReadRow(query, row);
      v1::HostEntry& entry = row.host.entry;
      SetLabels(*labels_, entry);
      if (rows + 1 == kPage) name = entry.host(), id = entry.id();
      RETURN_IF_ERROR(take(row));
    }
    RETURN_IF_ERROR(query.status());
    last_name_ = std::move(name);
    last_id_ = std::move(id);
    done_ = rows < kPage;
  }
  return std::span(page_).first(taken);
}

absl::StatusOr<Fleet> SelectFleet(Database& database, const HostFilter& filter,
                                  int64_t at, KnownStates& known) {
  Fleet fleet;
  FleetReader reader(filter, at, known);
  while (true) {
    ASSIGN_OR_RETURN(const std::span<FleetHost> hosts, reader.Next(database));
    if (hosts.empty()) break;
    std::ranges::move(hosts, std::back_inserter(fleet.hosts));
  }
  fleet.states = std::move(reader.states());
  return fleet;
}

absl::StatusOr<v1::HostEntry> SelectHost(Database& database,
                                         const std::string& name_or_id) {
  ASSIGN_OR_RETURN(HostRow row, SelectOne(database, name_or_id, 0));
  return std::move(row.host.entry);
}

absl::StatusOr<v1::HistoryReply> SelectHistory(Database& database,
                                               const std::string& id) {
  v1::HistoryReply history;
  Query spans = database.Run(
      "SELECT table_number, digest, since, until, by FROM span WHERE host = ? "
      "ORDER BY since DESC, table_number",
      id);
  while (spans.Step()) {
    const auto* field = v1::Snapshot::descriptor()->FindFieldByNumber(
        static_cast<int>(spans.Int(0)));
    v1::Span& span = *history.add_spans();
    span.set_table(field != nullptr ? field->name()
                                    : fmt::format("{}", spans.Int(0)));
    span.set_digest(Hex(spans.Bytes(1)));
    span.set_since(spans.Int(2));
    span.set_until(spans.Int(3));
    span.set_by(spans.Text(4));
  }
  RETURN_IF_ERROR(spans.status());
  Query losses = database.Run(
      "SELECT first, last, reason, noticed FROM loss WHERE host = ? "
      "ORDER BY noticed DESC, first DESC",
      id);
  while (losses.Step()) {
    v1::LossEntry& loss = *history.add_losses();
    loss.set_from(static_cast<uint64_t>(losses.Int(0)));
    loss.set_to(static_cast<uint64_t>(losses.Int(1)));
    loss.set_reason(losses.Text(2));
    loss.set_noticed(losses.Int(3));
  }
  RETURN_IF_ERROR(losses.status());
  Query silences = database.Run(
      "SELECT since, until FROM silence WHERE host = ? ORDER BY since DESC",
      id);
  while (silences.Step()) {
    v1::Silence& silence = *history.add_silences();
    silence.set_since(silences.Int(0));
    silence.set_until(silences.Int(1));
  }
  RETURN_IF_ERROR(silences.status());
  return history;
}

absl::StatusOr<std::vector<std::string>> SelectLabels(Database& database,
                                                      const std::string& id) {
  std::vector<std::string> labels;
  Query query = database.Run(
      "SELECT key || '=' || value FROM label WHERE host = ? ORDER BY key", id);
  while (query.Step()) labels.push_back(query.Text(0));
  RETURN_IF_ERROR(query.status());
  return labels;
}

}  // namespace metsuke
