#include "collectors/ssh_listeners.h"

#include <algorithm>

#include "collectors/ssh_pattern.h"
#include "collectors/words.h"
#include "proto/ssh_probe.h"

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

// A line such as `0.0.0.0:22` or `[::]:22 rdomain "blue"`; one that is none
// has port 0.
SshListener ReadListener(std::string_view line) {
  SshListener listener;
  listener.port = 0;
  const std::vector<std::string_view> words = Words(line);
  const auto parts = words.empty() ? std::nullopt : ParseListener(words[0]);
  if (!parts) return listener;
  // Behind "%" stands the interface of a local one.
  const auto address =
      ParseIpAddress(parts->first.substr(0, parts->first.find('%')));
  if (!address) return listener;
  listener.port = static_cast<int>(parts->second);
  listener.address = *address;
  listener.sources = AddressSet::All(address->v6);
  listener.name = ListenerText(ToText(*address), listener.port);
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
    v4.name = ListenerText("*", v4.port);
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
    const SshListener listener = ReadListener(value);
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
      if (named)
        listeners.back().name = ListenerText(ToText(address), listener.port);
      others = others || !named;
    }
  }
  Join(listeners);
  return listeners;
}

}  // namespace metsuke
