// What package managers say could be upgraded.

#ifndef METSUKE_COLLECTORS_PACKAGE_UPDATES_H_
#define METSUKE_COLLECTORS_PACKAGE_UPDATES_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "collectors/host.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// Adds to `snapshot` what metsuke-apt printed. Indexes that were never fetched
// become gaps; when there is none at all, FailedPrecondition, for then nothing
// is known. Unavailable when it is not what metsuke-apt prints.
absl::Status AddAptReport(const std::string& json, v1::Snapshot& snapshot);

// Adds to `snapshot` what "dnf -q -C check-update" printed, as updates of
// `installed`; `advisories` is what "dnf -q -C updateinfo list --security"
// printed.
void AddDnfUpdates(std::string_view updates, std::string_view advisories,
                   const std::vector<v1::Package>& installed,
                   v1::Snapshot& snapshot);

// The ids of the repositories that the text of a .repo file enables.
std::vector<std::string> EnabledRepositories(std::string_view text);

// Adds to `snapshot` what dnf knows of updates without asking the network; a
// repository of which it knows nothing becomes a gap. FailedPrecondition when
// it knows of none.
absl::Status CollectDnfUpdates(const Host& host, v1::Snapshot& snapshot);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_PACKAGE_UPDATES_H_
