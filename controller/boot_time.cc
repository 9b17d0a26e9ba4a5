#include "controller/boot_time.h"

#include "proto/snapshot.pb.h"
#include "proto/status.h"

namespace metsuke {

absl::StatusOr<int64_t> BootTime(const TableDigests& tables,
                                 const BodySource& bodies) {
  const auto digest = tables.find("host");
  if (digest == tables.end()) return 0;
  ASSIGN_OR_RETURN(const std::string bytes, ReadBody(bodies, digest->second));
  v1::Snapshot rows;
  if (!rows.ParseFromString(bytes))
    return absl::DataLossError("host: the stored rows cannot be read");
  return rows.host().empty() ? 0 : rows.host(0).booted();
}

}  // namespace metsuke
