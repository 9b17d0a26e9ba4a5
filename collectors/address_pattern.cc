#include "collectors/address_pattern.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
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

}  // namespace

bool OnlyStars(std::string_view pattern) {
  return !pattern.empty() && pattern.find_first_not_of('*') == pattern.npos;
}

std::optional<AddressSet> AddressesOfGroups(std::string_view pattern) {
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

std::optional<AddressSet> AddressesOfText(std::string_view pattern) {
  AddressSet set;
  if (OnlyStars(pattern)) return AddressSet::Everywhere();
  // No address has other letters than these in its text.
  if (pattern.find_first_not_of("0123456789abcdef:.*?") != pattern.npos)
    return set;
  if (pattern.find_first_of("*?") == pattern.npos) {
    const std::optional<IpAddress> address = ParseIpAddress(pattern);
    if (address && ToText(*address) == pattern)
      set.Add(AddressSet::Prefix(*address, address->v6 ? 128 : 32));
    return set;
  }
  if (pattern.find(':') != pattern.npos) return AddressesOfGroups(pattern);
  // Without a dot it may be the text of either family.
  if (pattern.find('.') == pattern.npos || pattern.size() > Reader::kLongest)
    return std::nullopt;
  return OctetsMatch(pattern);
}

std::optional<IpAddress> ExampleOfText(std::string_view pattern,
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
