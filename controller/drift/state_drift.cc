#include "controller/drift/state_drift.h"

#include <set>
#include <utility>

#include "controller/drift/diff_table.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// A change takes some hundred bytes.
constexpr size_t kMostKept = 200'000;

std::string DigestOf(const TableDigests& state, const std::string& table) {
  const auto digest = state.find(table);
  return digest == state.end() ? "" : digest->second;
}

}  // namespace

std::vector<std::string> DifferingTables(const TableDigests& before,
                                         const TableDigests& after) {
  std::set<std::string> names;
  for (const TableDigests* state : {&before, &after})
    for (const auto& [table, digest] : *state)
      if (DigestOf(before, table) != DigestOf(after, table))
        names.insert(table);
  return {names.begin(), names.end()};
}

absl::StatusOr<std::string> TableDrift::BodyOf(
    const std::string& digest) const {
  if (digest.empty()) return std::string();
  return ReadBody(bodies_, digest);
}

absl::StatusOr<const Changes*> TableDrift::Between(const std::string& table,
                                                   const TableDigests& before,
                                                   const TableDigests& after) {
  const std::string was = DigestOf(before, table), is = DigestOf(after, table);
  const std::string key = table + "\n" + was + "\n" + is;
  if (const auto known = known_.find(key); known != known_.end())
    return &known->second;
  ASSIGN_OR_RETURN(const std::string old_rows, BodyOf(was));
  ASSIGN_OR_RETURN(const std::string new_rows, BodyOf(is));
  ASSIGN_OR_RETURN(Changes found, DiffTable(table, old_rows, new_rows));
  if (kept_ + found.size() > kMostKept) {
    known_.clear();
    kept_ = 0;
  }
  kept_ += found.size();
  return &(known_[key] = std::move(found));
}

}  // namespace metsuke
