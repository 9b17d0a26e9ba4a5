#include "controller/report/row_changes.h"

#include <algorithm>

#include "proto/canonical.h"

namespace metsuke {
namespace {

// Lines of a report are for people; who wants all rows asks for the drift.
constexpr size_t kMostGroups = 50;   // of a table
constexpr int kMostChanges = 20;     // of a group
constexpr size_t kMostNames = 1000;  // of rows that causes may name

void AddNames(const v1::Change& change, std::set<std::string>& names) {
  for (const std::string& key : change.key())
    if (names.size() < kMostNames) names.insert(key.substr(key.find('=') + 1));
}

// Changes with equal keys are one; they come in the order of the row's key.
std::string Order(const v1::Change& change) {
  std::string order;
  for (const std::string& key : change.key()) order += key + '\n';
  return order + change.SerializeAsString();
}

void AddOnce(std::vector<size_t>& pairs, size_t pair) {
  if (pairs.empty() || pairs.back() != pair) pairs.push_back(pair);
}

}  // namespace

void RowChanges::Add(size_t pair, const std::string& table,
                     const Changes& changes, DifferingRows& differing) {
  for (const v1::Change& found : changes) {
    v1::Change change = found;
    const int rule = noise_.Filter(change);
    if (rule >= 0) {
      Left& left = noise_left_[rule];
      left.changes += fleet_.pairs[pair].hosts.size();
      AddOnce(left.pairs, pair);
      continue;
    }
    AddNames(change, differing[table]);
    Same& same = changes_[table][Order(change)];
    if (same.pairs.empty()) same.change = std::move(change);
    // A host may have the same change twice, where rows have no key.
    AddOnce(same.pairs, pair);
  }
}

HostNumbers RowChanges::Hosts(const Pairs& pairs) const {
  HostNumbers hosts;
  for (const size_t pair : pairs)
    hosts.insert(hosts.end(), fleet_.pairs[pair].hosts.begin(),
                 fleet_.pairs[pair].hosts.end());
  std::ranges::sort(hosts);
  return hosts;
}

// What the baseline says of the table; null when it says nothing.
const v1::ReportSection* RowChanges::Section(const std::string& table) const {
  const auto section =
      std::ranges::find(rules_.sections(), table, &v1::ReportSection::table);
  return section == rules_.sections().end() ? nullptr : &*section;
}

// Where the table stands in the report.
int RowChanges::Place(const std::string& table) const {
  for (int i = 0; i < rules_.sections_size(); ++i)
    if (rules_.sections(i).table() == table) return i;
  const auto* field = TableField(table);
  return rules_.sections_size() + (field == nullptr ? 0 : field->number());
}

void RowChanges::TellTable(const std::string& table,
                           const std::map<std::string, Same>& changes,
                           const CauseTable& causes, v1::Report& report) const {
  std::map<Pairs, std::vector<const v1::Change*>> groups;
  for (const auto& [key, same] : changes)
    groups[same.pairs].push_back(&same.change);
  std::vector<v1::ReportChanges> told;
  HostNumbers left;
  uint32_t omitted = 0;
  // Those on the most hosts first.
  std::vector<std::pair<HostNumbers, const std::vector<const v1::Change*>*>>
      order;
  for (const auto& [pairs, same] : groups)
    order.emplace_back(Hosts(pairs), &same);
  std::ranges::stable_sort(order, [](const auto& a, const auto& b) {
    return a.first.size() != b.first.size() ? a.first.size() > b.first.size()
                                            : a.first < b.first;
  });
  for (size_t i = 0; i < order.size(); ++i) {
    const auto& [hosts, same] = order[i];
    // What is on the most hosts is the news, and what is on the fewest is odd.
    if (i >= kMostGroups / 2 && i + kMostGroups / 2 < order.size()) {
      omitted += same->size();
      left.insert(left.end(), hosts.begin(), hosts.end());
      continue;
    }
    v1::ReportChanges& group = told.emplace_back();
    group.set_table(table);
    for (const v1::Change* change : *same) {
      if (group.changes_size() == kMostChanges)
        group.set_omitted(group.omitted() + 1);
      else
        *group.add_changes() = *change;
    }
    SetHosts(fleet_.hosts, hosts, *group.mutable_hosts());
    for (v1::ReportCause& cause : causes.Of({table}, hosts))
      *group.add_causes() = std::move(cause);
  }
  if (omitted > 0) {
    v1::ReportChanges& rest = told.emplace_back();
    rest.set_table(table);
    rest.set_omitted(omitted);
    SetHosts(fleet_.hosts, left, *rest.mutable_hosts());
  }
  for (v1::ReportChanges& group : told) {
    if (const v1::ReportSection* section = Section(table))
      *group.mutable_title() = section->title();
    *report.add_changes() = std::move(group);
  }
}

void RowChanges::Tell(const CauseTable& causes, v1::Report& report) const {
  std::map<int, std::string> tables;
  for (const auto& [table, changes] : changes_) tables[Place(table)] = table;
  for (const auto& [place, table] : tables)
    TellTable(table, changes_.at(table), causes, report);
  for (const auto& [rule, left] : noise_left_) {
    v1::ReportNoise& told = *report.add_noise();
    told.set_table(rules_.noise(rule).table());
    *told.mutable_why() = rules_.noise(rule).why();
    told.set_changes(left.changes);
    told.set_hosts(static_cast<uint32_t>(Hosts(left.pairs).size()));
  }
}

}  // namespace metsuke
