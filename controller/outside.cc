#include "controller/outside.h"

#include <optional>
#include <set>

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

// The host's address for the rest of the world; empty when it has none.
std::string GlobalAddress(const v1::Snapshot& seen) {
  for (const char* family : {"ipv4", "ipv6"})
    for (const v1::Interface& row : seen.interfaces()) {
      const std::string address =
          row.address().substr(0, row.address().find('/'));
      if (row.up() && row.scope() == "global" && row.family() == family &&
          !IsNear(address))
        return address;
    }
  return "";
}

}  // namespace

OutsidePlan PlanOutside(const v1::Snapshot& seen, const std::string& address) {
  std::set<std::string> listeners;
  for (const v1::SshAccess& row : seen.ssh_access())
    listeners.insert(row.listener());
  for (const v1::SshEndpoint& row : seen.ssh_endpoints())
    listeners.insert(row.listener());
  OutsidePlan plan;
  const auto leave_out = [&](const std::string& listener, uint32_t port,
                             const char* why) {
    v1::SshEndpoint& row = *plan.rows.add_ssh_endpoints_outside();
    row.set_listener(listener);
    row.set_port(port);
    row.set_outcome("not_asked");
    row.set_message(why);
  };
  for (const std::string& listener : listeners) {
    const auto parts = ParseListener(listener);
    if (!parts) continue;
    const bool any = IsAnyAddress(parts->first);
    if (!any && IsNear(parts->first)) continue;
    const std::string at = !address.empty() ? address
                           : any            ? GlobalAddress(seen)
                                            : parts->first;
    if (at.empty())
      leave_out(listener, parts->second, "no address of the host is known");
    else if (plan.targets.size() == kMostProbeTargets)
      leave_out(listener, parts->second, "four other servers are asked");
    else  // once: whoever counts strangers sees all of them from one place
      plan.targets.push_back(
          {listener, at, parts->second,
           AccountsToAsk(seen, listener, 1, [](const auto&) { return true; }),
           /*keys=*/false});
  }
  return plan;
}

}  // namespace metsuke
