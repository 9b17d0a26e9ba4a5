#include "controller/report/unseen.h"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <set>
#include <utility>

#include "controller/judge/sight.h"
#include "controller/silence.h"
#include "proto/snapshot.pb.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

// As in ReportUnseen.kind, the worst first.
enum Kind {
  kSilent,
  kNew,
  kLost,
  kDamaged,
  kFailed,
  kGap,
  kUnasked,
  kStale
};
// More lines nobody reads; one host could write any number of them.
constexpr uint32_t kMostLines = 200;
constexpr size_t kMostReason = 300;  // bytes
constexpr int64_t kHour = 3600, kDay = 86400;

std::string Shortened(const std::string& text) {
  const std::string_view kept = Utf8Prefix(text, kMostReason);
  return kept.size() == text.size() ? text : std::string(kept) + "…";
}

constexpr std::array<const char*, 8> kNames = {
    "silent", "new", "lost", "damaged", "failed", "gap", "unasked", "stale"};

bool Failed(const v1::Collection& row) {
  return row.status() != "ok" && row.status() != "absent";
}

void Append(HostNumbers& hosts, const HostNumbers& more) {
  hosts.insert(hosts.end(), more.begin(), more.end());
}

}  // namespace

Unseen::Entry& Unseen::Find(int kind, bool fresh, const std::string& table,
                            const std::string& reason, int64_t span) {
  return entries_[{kind, !fresh, table, Shortened(reason), span}];
}

void Unseen::AddHost(uint32_t number) {
  const ReportHost& host = fleet_.hosts[number];
  if (!HasReported(host)) {
    Find(kNew, !host.was, "", "").hosts.push_back(number);
    return;
  }
  if (!IsSilent(host.last_seen, to_, interval_)) return;
  const bool fresh = from_ - host.last_seen <= SilentAfter(interval_);
  // One time is told of all hosts of a line. Of those that fell silent since,
  // whoever looks for the cause needs the hour; of others the day will do.
  Entry& silent = Find(kSilent, fresh, "", "",
                       host.last_seen / (fresh ? kHour : kDay));
  silent.since = silent.hosts.empty() ? host.last_seen
                                      : std::min(silent.since, host.last_seen);
  silent.hosts.push_back(number);
}

absl::Status Unseen::AddDamage(const absl::Status& status,
                               const std::string& table,
                               const HostNumbers& hosts) {
  if (!absl::IsDataLoss(status) && !absl::IsNotFound(status)) return status;
  Append(Find(kDamaged, true, table, Message(status)).hosts, hosts);
  return absl::OkStatus();
}

// Adds what the collectors said of their sight to `rows`; whether all of it
// could be read.
absl::StatusOr<bool> Unseen::ReadRows(const TableDigests& tables,
                                      const HostNumbers& hosts,
                                      v1::Snapshot& rows) {
  bool whole = true;
  for (const char* table : kSightTables) {
    const auto digest = tables.find(table);
    if (digest == tables.end()) continue;
    const auto bytes = ReadBody(bodies_, digest->second);
    v1::Snapshot part;
    if (bytes.ok() && part.ParseFromString(*bytes)) {
      rows.MergeFrom(part);
      continue;
    }
    whole = false;
    RETURN_IF_ERROR(AddDamage(
        bytes.ok() ? absl::DataLossError("the stored rows cannot be read")
                   : bytes.status(),
        table, hosts));
  }
  return whole;
}

absl::Status Unseen::AddSight(const TableDigests* before,
                              const TableDigests& after,
                              const HostNumbers& hosts) {
  v1::Snapshot was, is;
  RETURN_IF_ERROR(ReadRows(after, hosts, is).status());
  // Of what was before and cannot be read nothing is known to be new.
  bool knows_before = true;
  if (before != nullptr) {
    ASSIGN_OR_RETURN(knows_before, ReadRows(*before, hosts, was));
  }
  std::set<std::string> failed;
  for (const v1::Collection& row : was.collections())
    if (Failed(row)) failed.insert(row.table());
  for (const v1::Collection& row : is.collections()) {
    if (!Failed(row)) continue;
    without_[row.table()].insert(hosts.begin(), hosts.end());
    Append(Find(kFailed, knows_before && !failed.contains(row.table()),
                row.table(), row.status() + ": " + row.message())
               .hosts,
           hosts);
  }
  // Many hosts have gaps that stay as they are; posture shows those.
  if (before == nullptr || !knows_before) return absl::OkStatus();
  std::set<std::pair<std::string, std::string>> known;
  for (const auto* gaps : {&was.gaps(), &was.gaps_outside()})
    for (const v1::Gap& gap : *gaps) known.emplace(gap.table(), gap.subject());
  for (const auto* gaps : {&is.gaps(), &is.gaps_outside()})
    for (const v1::Gap& gap : *gaps)
      if (!known.contains({gap.table(), gap.subject()}))
        Append(
            Find(kGap, true, gap.table(), gap.subject() + ": " + gap.reason())
                .hosts,
            hosts);
  return absl::OkStatus();
}

std::string Unseen::SightOf(const TableDigests& tables) {
  std::string sight;
  for (const char* table : kSightTables) {
    const auto digest = tables.find(table);
    sight += digest == tables.end() ? "-" : digest->second;
  }
  return sight;
}

void Unseen::AddLosses(const std::vector<HostLoss>& losses) {
  std::map<std::string, uint32_t> numbers;
  for (uint32_t i = 0; i < fleet_.hosts.size(); ++i)
    numbers[fleet_.hosts[i].id] = i;
  for (const HostLoss& loss : losses) {
    const auto number = numbers.find(loss.host);
    if (number == numbers.end()) continue;
    Entry& lost = Find(kLost, true, "", loss.reason);
    lost.since =
        lost.hosts.empty() ? loss.noticed : std::min(lost.since, loss.noticed);
    lost.hosts.push_back(number->second);
    lost.records += loss.records;
  }
}

void Unseen::AddStale(const v1::Control& rule, const HostNumbers& hosts) {
  Entry& stale = Find(kStale, false, "", rule.title().en());
  stale.title = rule.title();
  Append(stale.hosts, hosts);
}

void Unseen::AddUnasked(const CompiledControl& rule, const std::string& reason,
                        const HostNumbers& hosts) {
  const auto is_told = [&](uint32_t host) {
    return std::ranges::any_of(rule.Decides(), [&](const auto& read) {
      const auto without = without_.find(read.first);
      return without != without_.end() && without->second.contains(host);
    });
  };
  HostNumbers untold;
  std::ranges::copy_if(hosts, std::back_inserter(untold), std::not_fn(is_told));
  if (untold.empty()) return;
  // In the place of the table, so that each rule has an entry.
  Entry& unasked = Find(kUnasked, true, rule.control.id(), reason);
  unasked.title = rule.control.title();
  Append(unasked.hosts, untold);
}

void Unseen::Tell(v1::Report& report) const {
  std::set<uint32_t> hosts;
  for (const auto& [key, entry] : entries_)
    hosts.insert(entry.hosts.begin(), entry.hosts.end());
  report.set_unseen_hosts(static_cast<uint32_t>(hosts.size()));
  // The order of the keys, and of equals those on the most hosts first.
  std::vector<const std::pair<const Key, Entry>*> order;
  for (const auto& entry : entries_) order.push_back(&entry);
  std::ranges::stable_sort(order, [](const auto* a, const auto* b) {
    const auto& [kind, old, table, reason, span] = a->first;
    const auto& [other_kind, other_old, other_table, other_reason, other_span] =
        b->first;
    if (kind != other_kind) return kind < other_kind;
    if (old != other_old) return old < other_old;
    return a->second.hosts.size() > b->second.hosts.size();
  });
  for (const auto* one : order) {
    if (report.unseen_size() == kMostLines) {
      report.set_unseen_omitted(static_cast<uint32_t>(order.size()) -
                                kMostLines);
      break;
    }
    const auto& [kind, old, table, reason, span] = one->first;
    const Entry& entry = one->second;
    v1::ReportUnseen& told = *report.add_unseen();
    told.set_kind(kNames[static_cast<size_t>(kind)]);
    told.set_table(kind == kUnasked ? "" : table);
    told.set_reason(reason);
    if (kind == kStale || kind == kUnasked)
      *told.mutable_title() = entry.title;
    told.set_since(entry.since);
    told.set_fresh(!old);
    told.set_records(entry.records);
    SetHosts(fleet_.hosts, entry.hosts, *told.mutable_hosts());
  }
}

}  // namespace metsuke
