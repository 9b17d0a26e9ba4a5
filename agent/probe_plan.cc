#include "agent/probe_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "collectors/address_set.h"
#include "collectors/collector.h"
#include "collectors/ssh_pattern.h"

namespace metsuke {
namespace {

constexpr size_t kMostAccounts = 3;
constexpr uint32_t kSeconds = 16;  // for all targets

// Programs that are SSH servers by their names (comm of proc(5)).
bool IsSshServer(std::string_view program) {
  return program == "sshd" || program == "dropbear" || program == "tinysshd" ||
         program == "lshd";
}

// Where a client of the host itself reaches a socket bound to `address`.
std::string Reached(const std::string& address) {
  if (address == "::") return "::1";
  return IsAnyAddress(address) ? "127.0.0.1" : address;
}

class Planner {
 public:
  explicit Planner(const v1::Snapshot& seen) : seen_(seen) {}

  ProbePlan Run() {
    for (const v1::SshAccess& row : seen_.ssh_access()) AddConfigured(row);
    for (const v1::Port& row : seen_.ports()) AddListening(row);
    if (plan_.targets.size() > kMostProbeTargets) {
      Miss(plan_.targets[kMostProbeTargets].listener,
           fmt::format("the host has {} SSH servers, and {} are asked",
                       plan_.targets.size(), kMostProbeTargets));
      plan_.targets.resize(kMostProbeTargets);
    }
    for (ProbeTarget& target : plan_.targets) {
      target.seconds = kSeconds / std::size(plan_.targets);
      const auto from = ParseIpAddress(target.address);
      target.accounts = AccountsToAsk(
          seen_, target.listener, kMostAccounts,
          [&](const std::string& source) {
            return source == "any" ||
                   (from && SshAddresses(source).surely.Contains(*from));
          });
    }
    return std::move(plan_);
  }

 private:
  // Servers there may be that are not asked.
  void Miss(const std::string& subject, const std::string& reason) {
    for (const char* table :
         {"ssh_endpoints", "ssh_algorithms", "ssh_host_keys"})
      AddGap(plan_.gaps, table, subject, reason);
  }

  // The address that reaches what is bound to `address` and `port`, by the
  // sockets that listen.
  std::optional<std::string> ListensAt(const std::string& address,
                                       uint32_t port) const {
    std::optional<std::string> found;
    for (const v1::Port& row : seen_.ports()) {
      if (row.protocol() != "tcp" || row.port() != port) continue;
      // A socket for all addresses serves each of them; of several, IPv4.
      if (row.address() == address ||
          (IsAnyAddress(row.address()) && !IsAnyAddress(address)))
        return Reached(address);
      if (IsAnyAddress(row.address()) && (!found || row.address() == "0.0.0.0"))
        found = Reached(row.address());
    }
    return IsAnyAddress(address) ? found : std::nullopt;
  }

  void AddConfigured(const v1::SshAccess& row) {
    if (!listeners_.insert(row.listener()).second) return;
    const auto parts = ParseListener(row.listener());
    if (!parts) return;
    const auto at = ListensAt(parts->first, parts->second);
    if (at) Add({row.listener(), *at, parts->second, {}});
  }

  void AddListening(const v1::Port& row) {
    if (row.protocol() != "tcp") return;
    if (IsKnown(row)) return;
    if (row.program().empty())
      Miss(fmt::format("port {}", row.port()),
           "what listens there cannot be seen");
    if (!IsSshServer(row.program())) return;
    Add({ListenerText(IsAnyAddress(row.address()) ? "*" : row.address(),
                      row.port()),
         ListensAt(row.address() == "::" ? "0.0.0.0" : row.address(),
                   row.port())
             .value_or(Reached(row.address())),
         row.port(),
         {}});
  }

  void Add(ProbeTarget target) { plan_.targets.push_back(std::move(target)); }

  // Whether one of the targets is what listens there.
  bool IsKnown(const v1::Port& row) const {
    return std::ranges::any_of(plan_.targets, [&](const ProbeTarget& target) {
      const auto at = ParseListener(target.listener);
      return target.port == row.port() && at &&
             (IsAnyAddress(at->first) || IsAnyAddress(row.address()) ||
              at->first == row.address());
    });
  }

  const v1::Snapshot& seen_;
  ProbePlan plan_;
  std::set<std::string> listeners_;
};

}  // namespace

ProbePlan PlanProbe(const v1::Snapshot& seen) { return Planner(seen).Run(); }

}  // namespace metsuke
