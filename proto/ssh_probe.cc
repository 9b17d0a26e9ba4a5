#include "proto/ssh_probe.h"

#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <set>

#include "proto/run.h"
#include "proto/status.h"

namespace metsuke {
bool IsPlainAccount(std::string_view account) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !account.empty() && account.size() <= 64 && account[0] != '-' &&
         account.find_first_not_of(kPlain) == std::string_view::npos;
}

bool IsAnyAddress(std::string_view address) {
  return address == "*" || address == "0.0.0.0" || address == "::";
}

std::optional<std::pair<std::string, uint32_t>> ParseListener(
    std::string_view listener) {
  const size_t colon = listener.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view address = listener.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  const std::string port(listener.substr(colon + 1));
  if (address.empty() || port.empty() || port.size() > 5 ||
      port.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  const unsigned long number = std::stoul(port);
  if (number == 0 || number > 65535) return std::nullopt;
  return std::pair(std::string(address), static_cast<uint32_t>(number));
}

std::string ListenerText(const std::string& address, uint32_t port) {
  return fmt::format(
      fmt::runtime(address.find(':') == std::string::npos ? "{}:{}"
                                                          : "[{}]:{}"),
      address, port);
}

std::vector<std::string> AccountsToAsk(
    const v1::Snapshot& access, const std::string& listener, size_t most,
    const std::function<bool(const std::string& source)>& counts) {
  std::map<std::string, std::set<std::string>> ways;  // by account
  std::set<std::string> usable;
  for (const v1::SshAccess& row : access.ssh_access())
    if (row.listener() == listener && IsPlainAccount(row.account()) &&
        counts(row.source())) {
      ways[row.account()].insert(row.method());
      if (row.usable()) usable.insert(row.account());
    }
  std::vector<std::string> accounts;
  std::set<std::set<std::string>> told;
  const auto take = [&](const std::string& account) {
    const auto found = ways.find(account);
    if (found != ways.end() && accounts.size() < most &&
        told.insert(found->second).second)
      accounts.push_back(account);
  };
  for (const std::string& account : usable)
    if (account != "root") take(account);
  for (const auto& [account, methods] : ways)
    if (account != "root") take(account);
  take("root");
  if (accounts.empty()) accounts.push_back("root");
  return accounts;
}

absl::StatusOr<v1::Snapshot> RunProbe(const ProbeTarget& target) {
  const std::string program = OwnProgram("metsuke-probe");
  if (access(program.c_str(), X_OK) != 0)
    return absl::FailedPreconditionError(
        program +
        " is not there; the package of this program brings it: install that "
        "again");
  std::vector<std::string> argv = {program,
                                   target.address,
                                   "--port",
                                   std::to_string(target.port),
                                   "--listener",
                                   target.listener,
                                   "--output",
                                   "binary"};
  argv.push_back("--seconds");
  argv.push_back(std::to_string(target.seconds));
  if (!target.keys) argv.push_back("--one-key");
  for (const std::string& account : target.accounts) {
    argv.push_back("--account");
    argv.push_back(account);
  }
  RunOptions options;
  options.deadline = kLongestRun;
  ASSIGN_OR_RETURN(const std::string printed, RunProgram(argv, options));
  v1::Snapshot rows;
  if (!rows.ParseFromString(printed))
    return absl::InternalError("metsuke-probe printed something else");
  return rows;
}

}  // namespace metsuke
