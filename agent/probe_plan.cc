#include "agent/probe_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "agent/probe/account_name.h"
#include "collectors/address_set.h"
#include "collectors/collector.h"

namespace metsuke {
namespace {

constexpr size_t kMostTargets = 4;
constexpr size_t kMostAccounts = 3;

// Programs that are SSH servers by their names (comm of proc(5)).
bool IsSshServer(std::string_view program) {
  return program == "sshd" || program == "dropbear" || program == "tinysshd" ||
         program == "lshd";
}

bool IsAnyAddress(std::string_view address) {
  return address == "0.0.0.0" || address == "::" || address == "*";
}

// Where a client of the host itself reaches a socket bound to `address`.
std::string Reached(const std::string& address) {
  if (address == "::") return "::1";
  return IsAnyAddress(address) ? "127.0.0.1" : address;
}

// "192.0.2.7:22", "[::1]:22" or "*:22" apart.
std::optional<std::pair<std::string, uint32_t>> Apart(
    std::string_view listener) {
  const size_t colon = listener.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string address(listener.substr(0, colon));
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  const std::string port(listener.substr(colon + 1));
  if (port.empty() || port.size() > 5 ||
      !std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  return std::pair(address, static_cast<uint32_t>(std::stoul(port)));
}

class Planner {
 public:
  explicit Planner(const v1::Snapshot& seen) : seen_(seen) {}

  ProbePlan Run() {
    for (const v1::SshAccess& row : seen_.ssh_access()) AddConfigured(row);
    for (const v1::Port& row : seen_.ports()) AddListening(row);
    if (plan_.targets.size() > kMostTargets) {
      AddGap(plan_.gaps, "ssh_endpoints", plan_.targets[kMostTargets].listener,
             fmt::format("the host has {} SSH servers, and {} are asked",
                         plan_.targets.size(), kMostTargets));
      plan_.targets.resize(kMostTargets);
    }
    for (ProbeTarget& target : plan_.targets) target.accounts = For(target);
    return std::move(plan_);
  }

 private:
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
    const auto parts = Apart(row.listener());
    if (!parts) return;
    const auto at = ListensAt(parts->first, parts->second);
    if (at) Add({row.listener(), *at, parts->second, {}});
  }

  void AddListening(const v1::Port& row) {
    if (row.protocol() != "tcp") return;
    if (row.program().empty() && !IsKnown(row.port()))
      AddGap(plan_.gaps, "ssh_endpoints", fmt::format("port {}", row.port()),
             "what listens there cannot be seen");
    if (!IsSshServer(row.program()) || IsKnown(row.port())) return;
    const std::string address =
        row.address() == "::" ? "0.0.0.0" : row.address();
    Add({IsAnyAddress(address) ? fmt::format("*:{}", row.port())
         : address.find(':') == std::string::npos
             ? fmt::format("{}:{}", address, row.port())
             : fmt::format("[{}]:{}", address, row.port()),
         ListensAt(address, row.port()).value_or(Reached(row.address())),
         row.port(),
         {}});
  }

  void Add(ProbeTarget target) { plan_.targets.push_back(std::move(target)); }

  bool IsKnown(uint32_t port) const {
    return std::ranges::find(plan_.targets, port, &ProbeTarget::port) !=
           plan_.targets.end();
  }

  // Accounts that no two of have the same ways in from this host.
  std::vector<std::string> For(const ProbeTarget& target) const {
    const auto from = ParseIpAddress(target.address);
    std::map<std::string, std::set<std::string>> ways;  // by account
    for (const v1::SshAccess& row : seen_.ssh_access())
      if (row.listener() == target.listener && IsPlainAccount(row.account()) &&
          (row.source() == "any" || (from && Covers(row.source(), *from))))
        ways[row.account()].insert(row.method());
    std::vector<std::string> accounts;
    std::set<std::set<std::string>> told;
    const auto take = [&](const std::string& account) {
      const auto found = ways.find(account);
      if (found != ways.end() && accounts.size() < kMostAccounts &&
          told.insert(found->second).second)
        accounts.push_back(account);
    };
    take("root");
    for (const auto& [account, methods] : ways) take(account);
    if (accounts.empty()) accounts.push_back("root");
    return accounts;
  }

  // Whether the network of a row of ssh_access, or its one address, has `from`.
  static bool Covers(const std::string& network, const IpAddress& from) {
    const size_t slash = network.find('/');
    const auto address = ParseIpAddress(network.substr(0, slash));
    if (!address) return false;
    if (slash == std::string::npos) return *address == from;
    const std::string length = network.substr(slash + 1);
    if (length.empty() || length.size() > 3) return false;
    const int bits = std::atoi(length.c_str());
    return bits <= (address->v6 ? 128 : 32) &&
           AddressSet::Prefix(*address, bits).Contains(from);
  }

  const v1::Snapshot& seen_;
  ProbePlan plan_;
  std::set<std::string> listeners_;
};

}  // namespace

ProbePlan PlanProbe(const v1::Snapshot& seen) { return Planner(seen).Run(); }

}  // namespace metsuke
