#include "controller/knocker.h"

#include <set>
#include <utility>

#include "controller/outside.h"
#include "controller/store/body.h"
#include "proto/canonical.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kTable[] = "ssh_endpoints_outside";

// The rows of what decides about knocking, and of the last answers.
absl::StatusOr<v1::Snapshot> ReadTables(Store& store,
                                        const TableDigests& tables) {
  v1::Snapshot seen;
  for (const char* table :
       {"ssh_access", "ssh_endpoints", "interfaces", kTable}) {
    const auto digest = tables.find(table);
    if (digest == tables.end()) continue;
    ASSIGN_OR_RETURN(const std::string bytes, store.Body(digest->second));
    if (!seen.MergeFromString(bytes))
      return absl::DataLossError("the stored rows cannot be read");
  }
  return seen;
}

}  // namespace

Knocker::Knocker(Store& store, Run run) : store_(store), run_(std::move(run)) {}

absl::StatusOr<v1::Snapshot> Knocker::Knock(const std::string& id,
                                            const TableDigests& tables,
                                            const std::string& address,
                                            int64_t now) {
  ASSIGN_OR_RETURN(const v1::Snapshot seen, ReadTables(store_, tables));
  OutsidePlan plan = PlanOutside(seen, address);
  v1::Snapshot rows = std::move(plan.rows);
  for (const ProbeTarget& target : plan.targets) {
    ASSIGN_OR_RETURN(const v1::Snapshot answers, run_(target));
    rows.mutable_ssh_endpoints_outside()->MergeFrom(answers.ssh_endpoints());
  }
  RETURN_IF_ERROR(store_.Observe(
      {id, now, {MakeBody(kTable, CanonicalTable(rows, TableField(kTable)))}}));
  return rows;
}

absl::StatusOr<bool> Knocker::IsNews(const TableDigests& tables) {
  ASSIGN_OR_RETURN(const v1::Snapshot seen, ReadTables(store_, tables));
  const OutsidePlan plan = PlanOutside(seen, "");
  std::set<std::string> now, then;
  for (const ProbeTarget& target : plan.targets) now.insert(target.listener);
  for (const v1::SshEndpoint& row : plan.rows.ssh_endpoints_outside())
    now.insert(row.listener());
  for (const v1::SshEndpoint& row : seen.ssh_endpoints_outside())
    then.insert(row.listener());
  return now != then;
}

}  // namespace metsuke
