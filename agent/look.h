// What the host looks like now: the tables of metsuke-collect by their digests.

#ifndef METSUKE_AGENT_LOOK_H_
#define METSUKE_AGENT_LOOK_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/spool.h"
#include "proto/collect.pb.h"
#include "proto/sync.pb.h"

namespace metsuke {

// A mask that asks metsuke-collect for every table it fills.
uint64_t AllTables();

struct Looked {
  v1::State state;
  // The bodies `state` names, but for those of tables kept from `last`.
  std::vector<Spool::Table> tables;
};

// The state that `collected`, the answer of metsuke-collect or why there is
// none, makes. A table that was not answered keeps the digest it has in `last`,
// if any, and the table `collections` says of it that it is unavailable and
// why: not having looked must not read as nothing having changed. `now` is in
// seconds since 1970-01-01 UTC.
Looked MakeState(absl::StatusOr<v1::Collected> collected,
                 const std::optional<v1::State>& last, int64_t now);

}  // namespace metsuke

#endif  // METSUKE_AGENT_LOOK_H_
