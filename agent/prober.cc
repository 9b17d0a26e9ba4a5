#include "agent/prober.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "agent/probe_plan.h"
#include "collectors/collector.h"
#include "collectors/outcome.h"
#include "proto/canonical.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// What decides where and for whom is asked.
constexpr const char* kDeciding[] = {"ports", "sshd_options", "ssh_access"};

std::string* Bytes(v1::Collected& collected, std::string_view table) {
  for (v1::CollectedTable& one : *collected.mutable_tables())
    if (one.table() == table) return one.mutable_canonical();
  return nullptr;
}

// The rows of one table that metsuke-collect answered.
void Parse(v1::Collected& collected, std::string_view table,
           v1::Snapshot& snapshot) {
  const std::string* bytes = Bytes(collected, table);
  v1::Snapshot rows;
  if (bytes != nullptr && rows.ParseFromString(*bytes))
    snapshot.MergeFrom(rows);
}

// Why it is not known where SSH servers listen; OK when it is.
absl::Status Known(const v1::Snapshot& about) {
  for (const v1::Collection& row : about.collections()) {
    if (row.table() != "ports") continue;
    if (row.status() == "ok") return absl::OkStatus();
    return absl::UnavailableError(
        fmt::format("where servers listen is not known: ports: {}: {}",
                    row.status(), row.message()));
  }
  return absl::UnavailableError("where servers listen was not told");
}

v1::Outcome OutcomeOf(const absl::Status& status) {
  v1::Outcome outcome;
  if (!IsAbsent(status)) return status.ok() ? outcome : Failed(status);
  outcome.set_absent(true);
  outcome.set_message(Message(status));
  return outcome;
}

void Replace(v1::Collected& collected, const char* table,
             const v1::Snapshot& snapshot) {
  std::string* bytes = Bytes(collected, table);
  if (bytes == nullptr) {
    v1::CollectedTable& added = *collected.add_tables();
    added.set_table(table);
    bytes = added.mutable_canonical();
  }
  *bytes = CanonicalTable(snapshot, TableField(table));
}

}  // namespace

Prober::Prober(Run run) : run_(std::move(run)) {}

void Prober::Complete(v1::Collected& collected, Clock::time_point now) {
  std::string deciding;
  v1::Snapshot seen, about;
  for (const char* table : kDeciding) {
    const std::string* bytes = Bytes(collected, table);
    deciding += Sha256(bytes == nullptr ? "" : *bytes);
    Parse(collected, table, seen);
  }
  for (const char* table : {"collections", "gaps"})
    Parse(collected, table, about);
  const auto age = asked_ ? now - *asked_ : kLatest;
  const bool failed = !status_.ok() && !IsAbsent(status_);
  const bool answered = std::ranges::all_of(
      rows_.ssh_endpoints(),
      [](const v1::SshEndpoint& row) { return row.outcome() == "answered"; });
  if (age >= kLatest || (age >= kAgain && !answered) ||
      (age >= kSoonest && (failed || deciding != asked_for_))) {
    asked_ = now;
    asked_for_ = deciding;
    rows_.Clear();
    status_ = Known(about);
    if (status_.ok()) Ask(seen);
  }
  const auto* schema = v1::Snapshot::descriptor();
  about.mutable_gaps()->MergeFrom(rows_.gaps());
  for (int i = 0; i < schema->field_count(); ++i) {
    const auto* field = schema->field(i);
    if (FilledBy(field) != "metsuke-agent") continue;
    Replace(collected, field->name().c_str(), rows_);
    Report(field->name(), OutcomeOf(status_), about);
  }
  for (const char* table : {"collections", "gaps"})
    Replace(collected, table, about);
}

void Prober::Ask(const v1::Snapshot& seen) {
  const ProbePlan plan = PlanProbe(seen);
  if (plan.targets.empty()) status_ = Absent("no SSH server listens");
  rows_.MergeFrom(plan.gaps);
  for (const ProbeTarget& target : plan.targets) {
    const auto rows = run_(target);
    if (!rows.ok()) {
      status_ = rows.status();
      rows_.Clear();
      return;
    }
    rows_.MergeFrom(*rows);
  }
}

}  // namespace metsuke
