// Fills the services table with what systemd holds in memory and the unit
// files it does not.

#include "collectors/collector.h"
#include "collectors/systemd.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectServices(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(Systemd systemd, Systemd::Connect(host));
  ASSIGN_OR_RETURN(const std::vector<Unit> units, systemd.Units(".service"));
  for (const Unit& unit : units) {
    v1::Service& row = *snapshot.add_services();
    row.set_name(unit.name);
    row.set_load(unit.load);
    row.set_enabled(unit.enabled);
    row.set_active(unit.active);
    row.set_sub(unit.sub);
    row.set_description(unit.description);
  }
  return absl::OkStatus();
}

}  // namespace metsuke
