#include "controller/drift/state_drift.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "controller/drift/diff_table.h"
#include "controller/drift/shared_columns.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// A change takes some hundred bytes.
constexpr size_t kMostKept = 200'000;
// Many hosts share one; each takes some KiB.
constexpr size_t kMostCollections = 1000;

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

// Into collections_.
absl::Status TableDrift::ReadCollections(const std::string& digest) {
  if (collections_.contains(digest)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string bytes, BodyOf(digest));
  v1::Snapshot rows;
  if (!rows.ParseFromString(bytes))
    return absl::DataLossError("the stored rows cannot be read");
  collections_[digest] = std::move(rows);
  return absl::OkStatus();
}

// What SharedColumns says of the agents of both states.
absl::StatusOr<uint32_t> TableDrift::Columns(const std::string& table,
                                             const TableDigests& before,
                                             const TableDigests& after) {
  const std::string was = DigestOf(before, "collections"),
                    is = DigestOf(after, "collections");
  if (was == is) return kEveryColumn;
  if (collections_.size() > kMostCollections) collections_.clear();
  for (const std::string& digest : {was, is}) {
    const absl::Status status = ReadCollections(digest);
    // What the agents know is not known then, and hides nothing.
    if (absl::IsDataLoss(status)) return kEveryColumn;
    RETURN_IF_ERROR(status);
  }
  return SharedColumns(collections_[was], collections_[is], table);
}

absl::StatusOr<const Changes*> TableDrift::Between(const std::string& table,
                                                   const TableDigests& before,
                                                   const TableDigests& after) {
  const std::string was = DigestOf(before, table), is = DigestOf(after, table);
  ASSIGN_OR_RETURN(const uint32_t columns, Columns(table, before, after));
  const std::string key = fmt::format("{}\n{}\n{}\n{}", table, was, is, columns);
  if (const auto known = known_.find(key); known != known_.end())
    return &known->second;
  Changes found;
  // A table that came or went with an agent's upgrade tells of no change.
  if (columns > 0) {
    ASSIGN_OR_RETURN(const std::string old_rows, BodyOf(was));
    ASSIGN_OR_RETURN(const std::string new_rows, BodyOf(is));
    ASSIGN_OR_RETURN(found, DiffTable(table, old_rows, new_rows, columns));
  }
  if (kept_ + found.size() > kMostKept) {
    known_.clear();
    kept_ = 0;
  }
  kept_ += found.size();
  return &(known_[key] = std::move(found));
}

}  // namespace metsuke
