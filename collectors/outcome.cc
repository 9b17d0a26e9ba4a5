#include "collectors/outcome.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>

#include "collectors/recording.h"
#include "proto/canonical.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

absl::Status Collect(const Host& host, const Collector& collector,
                     v1::Snapshot& snapshot) {
  try {
    return collector.collect(host, snapshot);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("collector ran out of memory");
  } catch (const std::exception& error) {
    return absl::InternalError(
        fmt::format("collector threw: {}", error.what()));
  }
}

// Moves the collector's rows to `outcome`. A string that is not UTF-8 would
// make the whole table unreadable to the controller (proto3), so it is found
// here.
absl::Status Pack(const Collector& collector, v1::Snapshot& snapshot,
                  v1::Outcome& outcome) {
  const auto* field = TableField(collector.table);
  if (field == nullptr)
    return absl::InternalError("the schema has no such table");
  std::string canonical = CanonicalTable(snapshot, field);
  if (!v1::Snapshot().ParseFromString(canonical))
    return absl::InternalError("collector made a row that is not UTF-8");
  outcome.set_canonical(std::move(canonical));
  return absl::OkStatus();
}

// The next run is one in which something has changed: what programs said is not
// worth the memory then, what was found in files is.
void DropPrograms(v1::Recorded& recorded) {
  auto& answers = *recorded.mutable_answers();
  answers.erase(std::remove_if(answers.begin(), answers.end(),
                               [](const v1::Answer& answer) {
                                 return answer.argv(0).starts_with('/');
                               }),
                answers.end());
}

}  // namespace

v1::Outcome Failed(const absl::Status& status) {
  v1::Outcome outcome;
  outcome.set_code(static_cast<int32_t>(status.code()));
  outcome.set_message(ToUtf8(Message(status)));
  return outcome;
}

v1::Outcome RunCollector(const Host& host, const Collector& collector,
                         const v1::Recorded& earlier) {
  v1::Snapshot snapshot;
  host.StartRecording(Recording(earlier));
  absl::Status status = Collect(host, collector, snapshot);
  const Recording recording = host.TakeRecording();
  v1::Outcome outcome;
  if (status.ok()) status = Pack(collector, snapshot, outcome);
  if (IsAbsent(status)) {
    outcome.set_absent(true);
    outcome.set_message(ToUtf8(Message(status)));
  } else if (!status.ok()) {
    outcome = Failed(status);
  }
  for (v1::Gap& gap : *snapshot.mutable_gaps()) {
    gap.set_subject(ToUtf8(gap.subject()));
    gap.set_reason(ToUtf8(gap.reason()));
  }
  outcome.set_gaps(CanonicalTable(snapshot, TableField("gaps")));
  *outcome.mutable_recorded() = recording.ToProto();
  if (!recording.live()) DropPrograms(*outcome.mutable_recorded());
  return outcome;
}

bool Reusable(const v1::Outcome& outcome) {
  return outcome.code() == 0 && !outcome.recorded().live();
}

void Report(std::string_view table, const v1::Outcome& outcome,
            v1::Snapshot& snapshot) {
  v1::Collection& row = *snapshot.add_collections();
  row.set_table(std::string(table));
  row.set_status(outcome.absent()
                     ? "absent"
                     : CodeName(static_cast<absl::StatusCode>(outcome.code())));
  row.set_message(ToUtf8(outcome.message()));
  row.set_columns(LastColumn(TableField(table)));
  v1::Snapshot gaps;
  if (gaps.ParseFromString(outcome.gaps()))
    snapshot.mutable_gaps()->MergeFrom(gaps.gaps());
  else
    AddGap(snapshot, table, table, "the collector's gaps could not be read");
}

}  // namespace metsuke
