#include "controller/report/reach.h"

#include <map>
#include <utility>

#include "proto/snapshot.pb.h"

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400;

using Sources = std::map<std::pair<std::string, std::string>, v1::LogSource>;

absl::StatusOr<Sources> Read(const std::string& bytes) {
  v1::Snapshot snapshot;
  if (!snapshot.ParseFromString(bytes))
    return absl::DataLossError("log_sources: the stored rows cannot be read");
  Sources sources;
  for (v1::LogSource& row : *snapshot.mutable_log_sources()) {
    auto key = std::make_pair(row.source(), row.path());
    sources[std::move(key)] = std::move(row);
  }
  return sources;
}

int64_t Days(const v1::LogSource& row, int64_t at) {
  return row.oldest() == 0 ? 0 : (at - row.oldest()) / kDay;
}

// Whether records went that were to stay for more than a day yet.
bool IsEarly(const v1::LogSource& before, const v1::LogSource& after,
             int64_t to) {
  if (after.oldest() <= before.oldest()) return false;
  // One record for each account, which its next login writes over.
  if (after.source() == "lastlog") return false;
  // Nothing was ever to be removed, or the oldest not yet.
  return before.kept_by().empty() || before.removal() == 0 ||
         to < before.removal() - kDay;
}

// Whether the second keeps less; what is not above 0 keeps all.
bool IsLess(int64_t before, int64_t after) {
  return after > 0 && (before <= 0 || after < before);
}

class Shrunk {
 public:
  Shrunk(const v1::LogSource& before, int64_t from, const v1::LogSource& after,
         int64_t to) {
    // A file that cannot be read may have what is missing, and is a gap.
    const bool known = before.oldest() != 0 && after.unread().empty();
    if (known && after.oldest() == 0)
      Add(after, "emptied", Days(before, from), 0, false);
    else if (known && IsEarly(before, after, to))
      Add(after, "removed", Days(before, from), Days(after, to), false);
    if (IsLess(before.keep_days(), after.keep_days()))
      Add(after, "configured", before.keep_days(), after.keep_days(), false);
    if (IsLess(before.keep_bytes(), after.keep_bytes()))
      Add(after, "configured", before.keep_bytes(), after.keep_bytes(), true);
  }

  std::vector<v1::ReportReach> Take() { return std::move(reaches_); }

 private:
  void Add(const v1::LogSource& row, const char* kind, int64_t before,
           int64_t after, bool bytes) {
    v1::ReportReach& reach = reaches_.emplace_back();
    reach.set_source(row.source());
    reach.set_path(row.path());
    reach.set_kind(kind);
    reach.set_before(before);
    reach.set_after(after);
    reach.set_bytes(bytes);
  }

  std::vector<v1::ReportReach> reaches_;
};

}  // namespace

absl::StatusOr<std::vector<v1::ReportReach>> ShrunkLogs(
    const std::string& before, int64_t from, const std::string& after,
    int64_t to) {
  absl::StatusOr<Sources> old_rows = Read(before);
  if (!old_rows.ok()) return old_rows.status();
  absl::StatusOr<Sources> new_rows = Read(after);
  if (!new_rows.ok()) return new_rows.status();
  std::vector<v1::ReportReach> reaches;
  for (const auto& [key, row] : *old_rows) {
    const auto now = new_rows->find(key);
    // One that is no source any more is a change of the table like another.
    if (now == new_rows->end()) continue;
    for (v1::ReportReach& reach : Shrunk(row, from, now->second, to).Take())
      reaches.push_back(std::move(reach));
  }
  return reaches;
}

}  // namespace metsuke
