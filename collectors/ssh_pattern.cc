#include "collectors/ssh_pattern.h"

#include <arpa/inet.h>

#include <cstdint>

#include "collectors/address_pattern.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

// sshd reads addresses with getaddrinfo(3), which takes "10.1" for 10.0.0.1.
std::optional<IpAddress> Address(std::string_view text) {
  in_addr v4;
  if (text.find(':') != text.npos) return ParseIpAddress(text);
  if (inet_aton(std::string(text).c_str(), &v4) == 0) return std::nullopt;
  return IpAddress{false, ntohl(v4.s_addr)};
}

struct Net {
  IpAddress address;
  int length = 0;
  std::string zone;  // "eth0" of "fe80::1%eth0"

  AddressSet Set() const { return AddressSet::Prefix(address, length); }
};

// "ADDRESS" or "ADDRESS/LENGTH"; nothing when it is neither.
std::optional<Net> Network(std::string_view text) {
  const size_t slash = text.find('/');
  std::string_view host = text.substr(0, slash);
  Net net;
  if (const size_t percent = host.find('%'); percent != host.npos) {
    net.zone = host.substr(percent + 1);
    host = host.substr(0, percent);
  }
  const std::optional<IpAddress> address = Address(host);
  // No other addresses have zones.
  if (!address ||
      (!net.zone.empty() && !AddressSet::LinkLocal().Contains(*address)))
    return std::nullopt;
  net.address = *address;
  net.length = address->v6 ? 128 : 32;
  if (slash == text.npos) return net;
  const std::optional<int64_t> length = Number(text.substr(slash + 1));
  if (!length || *length < 0 || *length > net.length) return std::nullopt;
  net.length = static_cast<int>(*length);
  return net;
}

// Whether a text of fe80::/10 may be what `pattern` begins with.
bool MayBeginLinkLocal(std::string_view pattern) {
  static constexpr std::string_view kFirst[] = {"f", "e", "89ab"};
  for (size_t i = 0; i < 3 && i < pattern.size(); ++i) {
    if (pattern[i] == '*') return true;
    if (pattern[i] != '?' && kFirst[i].find(pattern[i]) == kFirst[i].npos)
      return false;
  }
  return true;
}

// What `pattern` says of addresses with a zone. A name of a host, such as
// "*.example.com", is taken for none of them, though an interface may be called
// like that.
SshSources LinkLocalText(std::string_view pattern) {
  if (OnlyStars(pattern)) return {AddressSet::LinkLocal(), {}};
  const bool zone = pattern.find('%') != pattern.npos;
  if (!zone) {
    if (const auto groups = AddressesOfGroups(pattern))
      return {groups->And(AddressSet::LinkLocal()), {}};
    if (pattern.find_first_of("*?") == pattern.npos ||
        pattern.find_first_not_of("0123456789abcdef:.*?") != pattern.npos)
      return {};
  }
  if (!MayBeginLinkLocal(pattern)) return {};
  return {{}, AddressSet::LinkLocal()};
}

// What a pattern of text is about.
SshSources OfText(std::string_view pattern) {
  SshSources sources = LinkLocalText(pattern);
  const std::optional<AddressSet> others = AddressesOfText(pattern);
  if (others) {
    sources.surely.Add(others->Without(AddressSet::LinkLocal()));
    return sources;
  }
  // Only IPv4 has dots, and only IPv6 has colons.
  if (pattern.find(':') == pattern.npos)
    sources.maybe.Add(AddressSet::All(false));
  if (pattern.find('.') == pattern.npos)
    sources.maybe.Add(AddressSet::All(true).Without(AddressSet::LinkLocal()));
  return sources;
}

SshSources OfNetwork(const Net& net) {
  if (!net.zone.empty()) return {{}, net.Set().And(AddressSet::LinkLocal())};
  return {net.Set().Without(AddressSet::LinkLocal()), {}};
}

// What `of` says of each pattern of the list, in one.
template <typename Of>
SshSources Collect(std::string_view list, Of of) {
  SshSources positive, negative;
  for (std::string_view piece : Pieces(list, ',')) {
    const bool negated = piece.starts_with('!');
    if (negated) piece.remove_prefix(1);
    const SshSources sources = of(piece);
    SshSources& all = negated ? negative : positive;
    all.surely.Add(sources.surely);
    all.maybe.Add(sources.maybe);
  }
  SshSources sources;
  sources.surely = positive.surely.Without(negative.Possible());
  sources.maybe =
      positive.Possible().Without(negative.surely).Without(sources.surely);
  return sources;
}

SshSources OfEither(std::string_view piece) {
  if (const std::optional<Net> net = Network(piece)) return OfNetwork(*net);
  return OfText(piece);
}

SshSources AnyNameMay(SshSources sources) {
  sources.maybe = AddressSet::Everywhere().Without(sources.surely);
  return sources;
}

}  // namespace

bool SshPatternMatches(std::string_view text, std::string_view pattern) {
  size_t t = 0, p = 0;
  // The last star, and how far into the text it reaches.
  size_t star = pattern.npos, reach = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      reach = t;
    } else if (p < pattern.size() &&
               (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++reach;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

SshMatch SshListMatches(std::string_view text, std::string_view list) {
  SshMatch match = SshMatch::kNone;
  if (list.empty()) return match;
  for (std::string_view pattern : Pieces(list, ',')) {
    const bool negated = pattern.starts_with('!');
    if (negated) pattern.remove_prefix(1);
    if (!SshPatternMatches(text, pattern)) continue;
    if (negated) return SshMatch::kNegated;
    match = SshMatch::kMatch;
  }
  return match;
}

AddressSet SshSources::Possible() const {
  AddressSet both = surely;
  both.Add(maybe);
  return both;
}

SshSources SshAddresses(std::string_view list) {
  return Collect(list, OfEither);
}

SshSources SshHostAddresses(std::string_view list, bool use_dns) {
  return Collect(Lower(list), [&](std::string_view piece) {
    if (use_dns && !OnlyStars(piece)) return AnyNameMay({});
    return OfText(piece);
  });
}

SshSources SshClientAddresses(std::string_view list, bool use_dns) {
  return Collect(Lower(list), [&](std::string_view piece) {
    const SshSources sources = OfEither(piece);
    // No address has another letter in its text.
    if (use_dns && piece.find_first_of("ghijklmnopqrstuvwxyz-_*") != piece.npos)
      return AnyNameMay(sources);
    return sources;
  });
}

std::string SshAddressText(const IpAddress& address, std::string_view zone) {
  std::string text = ToText(address);
  if (AddressSet::LinkLocal().Contains(address)) text.append("%").append(zone);
  return text;
}

SshMatch SshAddressMatches(std::string_view text, std::string_view list) {
  const std::optional<Net> client = Network(text);
  SshMatch match = SshMatch::kNone;
  for (std::string_view piece : Pieces(list, ',')) {
    const bool negated = piece.starts_with('!');
    if (negated) piece.remove_prefix(1);
    const std::optional<Net> net = Network(piece);
    const bool matches = net ? client && net->zone == client->zone &&
                                   net->Set().Contains(client->address)
                             : SshPatternMatches(text, piece);
    if (matches && negated) return SshMatch::kNegated;
    if (matches) match = SshMatch::kMatch;
  }
  return match;
}

}  // namespace metsuke
