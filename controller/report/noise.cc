#include "controller/report/noise.h"

#include <algorithm>

#include "controller/judge/report_rules.h"

namespace metsuke {
namespace {

// Whether the rule means the row: each of its patterns fits a key column.
bool Means(const v1::NoiseRule& rule, const v1::Change& change) {
  return rule.table() == change.table() &&
         std::ranges::all_of(rule.rows(), [&](const std::string& pattern) {
           return std::ranges::any_of(change.key(), [&](const auto& key) {
             return Matches(pattern, key);
           });
         });
}

bool Names(const v1::NoiseRule& rule, const std::string& column) {
  return std::ranges::find(rule.columns(), column) != rule.columns().end();
}

void Strip(const v1::NoiseRule& rule, v1::Change& change) {
  auto& columns = *change.mutable_columns();
  columns.erase(std::remove_if(columns.begin(), columns.end(),
                               [&](const v1::ColumnChange& column) {
                                 return Names(rule, column.column());
                               }),
                columns.end());
}

}  // namespace

int Noise::Filter(v1::Change& change) const {
  for (int i = 0; i < rules_.size(); ++i) {
    const v1::NoiseRule& rule = rules_[i];
    if (!Means(rule, change)) continue;
    if (rule.columns().empty()) return i;
    if (change.kind() != "changed") continue;
    Strip(rule, change);
    if (change.columns().empty()) return i;
  }
  return -1;
}

}  // namespace metsuke
