// One run of one collector, and what came of it.

#ifndef METSUKE_COLLECTORS_OUTCOME_H_
#define METSUKE_COLLECTORS_OUTCOME_H_

#include "absl/status/status.h"
#include "collectors/collector.h"
#include "collectors/host.h"
#include "proto/collect.pb.h"

namespace metsuke {

// Runs `collector` in this process and remembers what it read. What it throws
// becomes an internal error. Rows of a collector that failed are dropped, for
// they cannot be relied on; its gaps stay. `earlier` is what it read the last
// time: programs that would answer the same are not run again.
v1::Outcome RunCollector(const Host& host, const Collector& collector,
                         const v1::Recorded& earlier = {});

// The outcome of a collector of which only `status`, an error, is known.
v1::Outcome Failed(const absl::Status& status);

// Whether the rows are the truth as long as what was read is as it was. An
// error is not: the next try may fare better.
bool Reusable(const v1::Outcome& outcome);

// Adds the rows of `collections` and `gaps` that `outcome` makes for `table`.
void Report(std::string_view table, const v1::Outcome& outcome,
            v1::Snapshot& snapshot);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_OUTCOME_H_
