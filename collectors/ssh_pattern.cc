#include "collectors/ssh_pattern.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "collectors/words.h"

namespace metsuke {
namespace {

// More networks than this are no longer told one by one.
constexpr size_t kMostNetworks = 1024;
// Some milliseconds.
constexpr size_t kMostSteps = 100'000;

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

// The IPv4 addresses whose text a pattern matches, octet by octet.
class Octets {
 public:
  explicit Octets(std::string_view pattern) : reader_(pattern) {}

  // Nothing when they are too many networks, or it takes too long to find out.
  std::optional<AddressSet> Find() {
    if (!Add(reader_.Start(), 0, 0)) return std::nullopt;
    return std::move(set_);
  }

 private:
  // Adds those that begin with `octets` octets of `prefix`, after which the
  // pattern is in `states`; false to stop.
  bool Add(Reader::States states, uint32_t prefix, int octets) {
    if (octets == 4) return !reader_.Ends(states) || Keep(prefix, 32);
    if (octets > 0) states = reader_.Read(states, '.');
    if (states == 0) return true;
    if (reader_.TakesAll(states)) return Keep(prefix, 8 * octets);
    for (uint32_t octet = 0; octet < 256; ++octet) {
      if (++steps_ > kMostSteps) return false;
      Reader::States next = states;
      for (const char digit : std::to_string(octet))
        next = reader_.Read(next, digit);
      if (next != 0 &&
          !Add(next, prefix | octet << (24 - 8 * octets), octets + 1))
        return false;
    }
    return true;
  }

  bool Keep(uint32_t prefix, int length) {
    set_.Add(AddressSet::Prefix({false, prefix}, length));
    return ++networks_ <= kMostNetworks;
  }

  const Reader reader_;
  AddressSet set_;
  size_t networks_ = 0;
  size_t steps_ = 0;
};

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

// The addresses whose text `pattern` matches.
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
  return Octets(pattern).Find();
}

// sshd reads addresses with getaddrinfo(3), which takes "10.1" for 10.0.0.1.
std::optional<IpAddress> Address(std::string_view text) {
  in_addr v4;
  if (text.find(':') != text.npos) return ParseIpAddress(text);
  if (inet_aton(std::string(text).c_str(), &v4) == 0) return std::nullopt;
  return IpAddress{false, ntohl(v4.s_addr)};
}

// "ADDRESS" or "ADDRESS/LENGTH"; nothing when it is neither.
std::optional<AddressSet> Network(std::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<IpAddress> address = Address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const int width = address->v6 ? 128 : 32;
  if (slash == text.npos) return AddressSet::Prefix(*address, width);
  const std::optional<int64_t> length = Number(text.substr(slash + 1));
  if (!length || *length < 0 || *length > width) return std::nullopt;
  return AddressSet::Prefix(*address, static_cast<int>(*length));
}

std::optional<AddressSet> Collect(std::string_view list, bool networks) {
  AddressSet positive, negative;
  for (std::string_view piece : Pieces(list, ',')) {
    const bool negated = piece.starts_with('!');
    if (negated) piece.remove_prefix(1);
    std::optional<AddressSet> set;
    if (networks) set = Network(piece);
    if (!set) set = TextMatches(networks ? piece : Lower(piece));
    if (!set) return std::nullopt;
    (negated ? negative : positive).Add(*set);
  }
  return positive.Without(negative);
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

std::optional<AddressSet> SshAddresses(std::string_view list) {
  return Collect(list, true);
}

std::optional<AddressSet> SshHostAddresses(std::string_view list) {
  return Collect(list, false);
}

std::optional<AddressSet> SshClientAddresses(std::string_view list,
                                             bool use_dns) {
  const std::string lower = Lower(list);
  // No address has another letter in its text.
  if (use_dns && lower.find_first_of("ghijklmnopqrstuvwxyz-_*") != lower.npos)
    return std::nullopt;
  return Collect(lower, true);
}

}  // namespace metsuke
