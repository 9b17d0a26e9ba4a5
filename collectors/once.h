// Collecting once and printing, for people and for scripts.

#ifndef METSUKE_COLLECTORS_ONCE_H_
#define METSUKE_COLLECTORS_ONCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "proto/collect.pb.h"

namespace metsuke {

// The mask for the tables called `names`; every table of the schema when there
// are none. InvalidArgument when the schema has no such table.
absl::StatusOr<uint64_t> MaskOf(const std::vector<std::string>& names);

// `collected` as a Snapshot in protobuf JSON with the names of the schema,
// defaults printed; tables that were not asked for are not in it. Ends with a
// newline.
absl::StatusOr<std::string> AsJson(const v1::Collected& collected);

// The same of events: one object with the list `events`.
absl::StatusOr<std::string> AsJson(const v1::Events& events);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_ONCE_H_
