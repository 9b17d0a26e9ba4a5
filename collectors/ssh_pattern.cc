#include "collectors/ssh_pattern.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "collectors/words.h"

namespace metsuke {
namespace {

// More networks than this are no longer told one by one.
constexpr size_t kMostNetworks = 1024;
// Some milliseconds; an example is looked for less long.
constexpr size_t kMostSteps = 100'000;
constexpr size_t kStepsToExample = 10'000;

// A pattern that is read along with a text: a bit for each position at which
// it may be after the text so far.
class Reader {
 public:
  static constexpr size_t kLongest = 63;
  using States = uint64_t;

  // At most kLongest bytes.
  explicit Reader(std::string_view pattern) : pattern_(pattern) {
    for (size_t i = pattern.size(); i > 0 && pattern[i - 1] == '*'; --i)
      takes_all_ |= States{1} << (i - 1);
  }

  States Start() const { return Closed(1); }

  States Read(States states, char c) const {
    States next = 0;
    for (size_t at = 0; at < pattern_.size(); ++at) {
      if ((states >> at & 1) == 0) continue;
      if (pattern_[at] == '*')
        next |= States{1} << at;
      else if (pattern_[at] == '?' || pattern_[at] == c)
        next |= States{2} << at;
    }
    return Closed(next);
  }

  // Whether the text may end here; whether anything may follow.
  bool Ends(States states) const { return states >> pattern_.size() & 1; }
  bool TakesAll(States states) const { return (states & takes_all_) != 0; }

 private:
  // A star may stand for nothing.
  States Closed(States states) const {
    for (size_t at = 0; at < pattern_.size(); ++at)
      if ((states >> at & 1) != 0 && pattern_[at] == '*')
        states |= States{2} << at;
    return states;
  }

  const std::string_view pattern_;
  States takes_all_ = 0;
};

// Walks through the IPv4 addresses whose text a pattern matches, octet by
// octet.
class Octets {
 public:
  // Takes a network, by its first address and length; false to stop.
  using Take = std::function<bool(const IpAddress&, int)>;

  // Those in `within`, which must outlive it.
  Octets(std::string_view pattern, const AddressSet& within, size_t steps,
         Take take)
      : reader_(pattern),
        within_(within),
        steps_(steps),
        take_(std::move(take)) {}

  // False when it was stopped, or it takes too long.
  bool Walk() { return Walk(reader_.Start(), 0, 0); }

 private:
  // Those that begin with `octets` octets of `prefix`, after which the pattern
  // is in `states`.
  bool Walk(Reader::States states, uint32_t prefix, int octets) {
    if (!Inside(prefix, octets)) return true;
    if (octets == 4) return !reader_.Ends(states) || take_({false, prefix}, 32);
    if (octets > 0) states = reader_.Read(states, '.');
    if (states == 0) return true;
    if (reader_.TakesAll(states)) return take_({false, prefix}, 8 * octets);
    for (uint32_t octet = 0; octet < 256; ++octet) {
      if (steps_-- == 0) return false;
      Reader::States next = states;
      for (const char digit : std::to_string(octet))
        next = reader_.Read(next, digit);
      if (next != 0 &&
          !Walk(next, prefix | octet << (24 - 8 * octets), octets + 1))
        return false;
    }
    return true;
  }

  // Whether some of those are in the set.
  bool Inside(uint32_t prefix, int octets) const {
    const uint64_t size = uint64_t{1} << (32 - 8 * octets);
    const IpAddress first{false, prefix}, last{false, prefix + (size - 1)};
    return std::ranges::any_of(within_.ranges(), [&](const auto& range) {
      return range.first <= last && first <= range.last;
    });
  }

  const Reader reader_;
  const AddressSet& within_;
  size_t steps_;
  const Take take_;
};

// All of them; nothing when they are too many networks.
std::optional<AddressSet> OctetsMatch(std::string_view pattern) {
  const AddressSet all = AddressSet::All(false);
  AddressSet set;
  size_t networks = 0;
  Octets octets(pattern, all, kMostSteps,
                [&](const IpAddress& first, int length) {
                  set.Add(AddressSet::Prefix(first, length));
                  return ++networks <= kMostNetworks;
                });
  if (!octets.Walk()) return std::nullopt;
  return set;
}

// "2001:db8:*": whole groups, none of which the canonical text would write in
// another way, and then anything.
std::optional<AddressSet> Groups(std::string_view pattern) {
  if (!pattern.ends_with(":*")) return std::nullopt;
  pattern.remove_suffix(2);
  const std::vector<std::string_view> groups = Pieces(pattern, ':');
  const bool plain = std::ranges::all_of(groups, [](std::string_view group) {
    return !group.empty() && group.size() <= 4 && group.front() != '0' &&
           group.find_first_not_of("0123456789abcdef") == group.npos;
  });
  if (!plain || groups.size() > 7) return std::nullopt;
  const auto address =
      ParseIpAddress(std::string(pattern) + (groups.size() == 7 ? ":0" : "::"));
  if (!address) return std::nullopt;
  return AddressSet::Prefix(*address, static_cast<int>(16 * groups.size()));
}

// The addresses, but for those with a zone, whose text `pattern` matches;
// nothing when they cannot be told.
std::optional<AddressSet> TextMatches(std::string_view pattern) {
  AddressSet set;
  if (pattern.find_first_not_of('*') == pattern.npos && !pattern.empty()) {
    return AddressSet::Everywhere();
  }
  // No address has other letters than these in its text.
  if (pattern.find_first_not_of("0123456789abcdef:.*?") != pattern.npos)
    return set;
  if (pattern.find_first_of("*?") == pattern.npos) {
    const std::optional<IpAddress> address = ParseIpAddress(pattern);
    if (address && ToText(*address) == pattern)
      set.Add(AddressSet::Prefix(*address, address->v6 ? 128 : 32));
    return set;
  }
  if (pattern.find(':') != pattern.npos) return Groups(pattern);
  // Without a dot it may be the text of either family.
  if (pattern.find('.') == pattern.npos || pattern.size() > Reader::kLongest)
    return std::nullopt;
  return OctetsMatch(pattern);
}

// sshd reads addresses with getaddrinfo(3), which takes "10.1" for 10.0.0.1.
std::optional<IpAddress> Address(std::string_view text) {
  in_addr v4;
  if (text.find(':') != text.npos) return ParseIpAddress(text);
  if (inet_aton(std::string(text).c_str(), &v4) == 0) return std::nullopt;
  return IpAddress{false, ntohl(v4.s_addr)};
}

const AddressSet& LinkLocal() {
  static const AddressSet& set =
      *new AddressSet(AddressSet::Prefix(*ParseIpAddress("fe80::"), 10));
  return set;
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
  if (!address || (!net.zone.empty() && !LinkLocal().Contains(*address)))
    return std::nullopt;
  net.address = *address;
  net.length = address->v6 ? 128 : 32;
  if (slash == text.npos) return net;
  const std::optional<int64_t> length = Number(text.substr(slash + 1));
  if (!length || *length < 0 || *length > net.length) return std::nullopt;
  net.length = static_cast<int>(*length);
  return net;
}

bool OnlyStars(std::string_view pattern) {
  return !pattern.empty() && pattern.find_first_not_of('*') == pattern.npos;
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
  if (OnlyStars(pattern)) return {LinkLocal(), {}};
  const bool zone = pattern.find('%') != pattern.npos;
  if (!zone) {
    if (const auto groups = Groups(pattern))
      return {groups->And(LinkLocal()), {}};
    if (pattern.find_first_of("*?") == pattern.npos ||
        pattern.find_first_not_of("0123456789abcdef:.*?") != pattern.npos)
      return {};
  }
  if (!MayBeginLinkLocal(pattern)) return {};
  return {{}, LinkLocal()};
}

// What a pattern of text is about.
SshSources OfText(std::string_view pattern) {
  SshSources sources = LinkLocalText(pattern);
  const std::optional<AddressSet> others = TextMatches(pattern);
  if (others) {
    sources.surely.Add(others->Without(LinkLocal()));
    return sources;
  }
  // Only IPv4 has dots, and only IPv6 has colons.
  if (pattern.find(':') == pattern.npos)
    sources.maybe.Add(AddressSet::All(false));
  if (pattern.find('.') == pattern.npos)
    sources.maybe.Add(AddressSet::All(true).Without(LinkLocal()));
  return sources;
}

SshSources OfNetwork(const Net& net) {
  if (!net.zone.empty()) return {{}, net.Set().And(LinkLocal())};
  return {net.Set().Without(LinkLocal()), {}};
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
  if (LinkLocal().Contains(address)) text.append("%").append(zone);
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

std::optional<IpAddress> SshExample(std::string_view pattern,
                                    const AddressSet& within) {
  std::optional<IpAddress> example;
  if (pattern.find(':') != pattern.npos || pattern.size() > Reader::kLongest)
    return example;
  Octets(pattern, within, kStepsToExample,
         [&](const IpAddress& first, int length) {
           const AddressSet both =
               within.And(AddressSet::Prefix(first, length));
           if (!both.empty()) example = both.ranges().front().first;
           return !example;
         })
      .Walk();
  return example;
}

}  // namespace metsuke
