#include "collectors/ssh_listeners.h"

#include <fmt/format.h>

#include <algorithm>

#include "collectors/ssh_pattern.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

// Whether some block names this address of the machine.
bool Named(const SshdFiles& files, const IpAddress& address) {
  for (const SshdBlock& block : files.blocks)
    for (const auto& [attribute, argument] : block.tests)
      if (attribute == "localaddress" &&
          SshAddressMatches(SshAddressText(address), argument) ==
              SshMatch::kMatch)
        return true;
  return false;
}

std::string Name(const IpAddress& address, int port) {
  return fmt::format("{}{}{}:{}", address.v6 ? "[" : "", ToText(address),
                     address.v6 ? "]" : "", port);
}

// A line such as `0.0.0.0:22` or `[::]:22 rdomain "blue"`; one that is none
// has port 0.
SshListener ParseListener(std::string_view line) {
  SshListener listener;
  listener.port = 0;
  const std::vector<std::string_view> words = Words(line);
  if (words.empty()) return listener;
  const size_t colon = words[0].rfind(':');
  std::string_view host = words[0].substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  host = host.substr(0, host.find('%'));  // the interface of a local one
  const auto address = ParseIpAddress(host);
  if (colon == std::string_view::npos || !address) return listener;
  listener.port =
      static_cast<int>(Number(words[0].substr(colon + 1)).value_or(0));
  listener.address = *address;
  listener.sources = AddressSet::All(address->v6);
  listener.name = Name(*address, listener.port);
  if (words.size() >= 3 && words[1] == "rdomain") {
    listener.routing_domain = words[2];
    std::erase(listener.routing_domain, '"');
  }
  return listener;
}

// The two families of one port in one.
void Join(std::vector<SshListener>& listeners) {
  for (SshListener& v4 : listeners) {
    if (v4.address != IpAddress{false, 0}) continue;
    const auto v6 = std::ranges::find_if(listeners, [&](const SshListener& l) {
      return l.address == IpAddress{true, 0} && l.port == v4.port &&
             l.routing_domain == v4.routing_domain;
    });
    if (v6 == listeners.end()) continue;
    v4.name = fmt::format("*:{}", v4.port);
    v4.sources.Add(v6->sources);
    listeners.erase(v6);
    return Join(listeners);
  }
}

}  // namespace

bool AsksForLocalAddress(const SshdFiles& files) {
  return std::ranges::any_of(files.blocks, [](const SshdBlock& block) {
    return std::ranges::any_of(block.tests, [](const auto& test) {
      return test.first == "localaddress";
    });
  });
}

std::vector<SshListener> SshListeners(const SshdSettings& settings,
                                      const SshdFiles& files,
                                      const std::vector<IpAddress>& addresses) {
  std::vector<SshListener> listeners;
  for (const auto& [keyword, value] : settings) {
    if (keyword != "listenaddress") continue;
    const SshListener listener = ParseListener(value);
    if (listener.port == 0) continue;
    if (listener.address.bits != 0 || !AsksForLocalAddress(files) ||
        addresses.empty()) {
      listeners.push_back(listener);
      continue;
    }
    bool others = false;  // one stands for all that no block names
    for (const IpAddress& address : addresses) {
      const bool named = Named(files, address);
      if (address.v6 != listener.address.v6 || (!named && others)) continue;
      listeners.push_back(listener);
      listeners.back().address = address;
      if (named) listeners.back().name = Name(address, listener.port);
      others = others || !named;
    }
  }
  Join(listeners);
  return listeners;
}

}  // namespace metsuke
