#include "controller/outside.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <set>
#include <utility>

#include "controller/judge/network.h"

namespace metsuke {
namespace {

// What only the host itself or its neighbours reach, or is no host's address: a
// host that lies about its own must not have the controller knock at itself.
bool IsNear(const std::string& address) {
  const auto parsed = ParseNetwork(address);
  if (!parsed) return true;
  for (const char* near : {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16",
                           "224.0.0.0/3", "::", "::1", "fe80::/10", "ff00::/8"})
    if (Contains(*ParseNetwork(near), *parsed)) return true;
  return false;
}

// Whether other hosts have an interface of this name and its addresses as well:
// what container engines and hypervisors put between their guests.
bool IsBridge(std::string_view name) {
  for (const char* stem :
       {"docker", "br-", "virbr", "lxcbr", "lxdbr", "cni", "podman"})
    if (name.starts_with(stem)) return true;
  return false;
}

// The host's address for the rest of the world; empty when it has none.
std::string GlobalAddress(const v1::Snapshot& seen, const std::string& spoken) {
  std::array<std::string, 4> found;  // the best first
  for (const v1::Interface& row : seen.interfaces()) {
    std::string address = row.address().substr(0, row.address().find('/'));
    if (!row.up() || row.scope() != "global" || IsNear(address)) continue;
    if (address == spoken) return spoken;
    std::string& place = found[(IsBridge(row.name()) ? 2 : 0) +
                               (row.family() == "ipv4" ? 0 : 1)];
    if (place.empty()) place = std::move(address);
  }
  for (std::string& address : found)
    if (!address.empty()) return std::move(address);
  return "";
}

}  // namespace

void AddOutsideGap(const std::string& listener, const std::string& why,
                   v1::Snapshot& rows) {
  v1::Gap& gap = *rows.add_gaps_outside();
  gap.set_table("ssh_endpoints_outside");
  gap.set_subject(listener);
  gap.set_reason(why);
}

OutsidePlan PlanOutside(const v1::Snapshot& seen,
                        const OutsideAddress& address) {
  std::set<std::string> listeners;
  for (const v1::SshAccess& row : seen.ssh_access())
    listeners.insert(row.listener());
  for (const v1::SshEndpoint& row : seen.ssh_endpoints())
    listeners.insert(row.listener());
  OutsidePlan plan;
  for (const std::string& listener : listeners) {
    const auto parts = ParseListener(listener);
    if (!parts) continue;
    const bool any = IsAnyAddress(parts->first);
    if (!any && IsNear(parts->first)) continue;
    const std::string at = !address.chosen.empty() ? address.chosen
                           : any ? GlobalAddress(seen, address.spoken)
                                 : parts->first;
    if (at.empty())
      AddOutsideGap(listener,
                    "no address of the host is known; metsukectl ssh probe "
                    "--address gives one",
                    plan.gaps);
    else if (plan.targets.size() == kMostProbeTargets)
      AddOutsideGap(
          listener,
          fmt::format("{} other servers are asked", kMostProbeTargets),
          plan.gaps);
    else  // once: whoever counts strangers sees all of them from one place
      plan.targets.push_back(
          {listener, at, parts->second,
           AccountsToAsk(seen, listener, 1, [](const auto&) { return true; }),
           /*keys=*/false});
  }
  return plan;
}

}  // namespace metsuke
