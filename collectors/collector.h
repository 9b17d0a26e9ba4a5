// A collector fills one table of a Snapshot from what it sees on a Host.
//
// To add one called "widgets": describe its row and add `repeated Widget
// widgets` to proto/snapshot.proto, write collectors/widgets.cc, and name it
// in collectors/all.cc.

#ifndef METSUKE_COLLECTORS_COLLECTOR_H_
#define METSUKE_COLLECTORS_COLLECTOR_H_

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "collectors/host.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

struct Collector {
  // The table it fills; also the name of its field in Snapshot.
  std::string_view table;

  // Adds the table's rows, in any order, to `snapshot`, and what it could not
  // see to `gaps`. Absent() when the host has nothing of the kind. Any other
  // error means that the rows cannot be relied on: controls that read this
  // table are then unknown.
  absl::Status (*collect)(const Host& host, v1::Snapshot& snapshot);
};

// Every collector of this build, in the order of the tables' field numbers.
std::span<const Collector> AllCollectors();

// What a collector returns when what its table is about is not on this host:
// no sshd, no systemd, no auditd. The table is then empty, and that is the
// truth. `why` is a sentence for a person: "sshd is not installed".
absl::Status Absent(const std::string& why);

// Whether `status` was made by Absent.
bool IsAbsent(const absl::Status& status);

// Adds a row to `gaps`: `table` lacks what `subject` (a path, an account, a
// unit) would have told, because of `reason`. Controls that read `table` and
// find nothing are then unknown, so speak only of what could hide a row. When
// values are missing alone, or rows that are there for what some columns say,
// name these `columns`: only controls that decide by one of them are then unknown.
void AddGap(v1::Snapshot& snapshot, std::string_view table,
            std::string_view subject, std::string_view reason,
            std::initializer_list<std::string_view> columns = {});

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_COLLECTOR_H_
