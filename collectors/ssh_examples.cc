#include "collectors/ssh_examples.h"

#include <algorithm>
#include <random>
#include <set>
#include <string_view>

#include "collectors/address_pattern.h"
#include "collectors/ssh_pattern.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

// Clients of one part of the sources that sshd is asked about.
constexpr size_t kMost = 64;
// And that are kept of it, but for those that show something new of a block.
constexpr size_t kMostOfAll = 128;
constexpr size_t kRandom = 256;
constexpr size_t kRanges = 32;
constexpr size_t kPatterns = 64;

// What may stand for a star in the text of an address or a name.
constexpr std::string_view kFillings[] = {
    "",    "1",     "7",      "10",      "99",           "a",    ":1",
    "::1", "1.1",   "0.1",    "1.1.1",   "2001:db8:",    "10.1", "2001:db8::",
    "fe8", "e80::", "fe80::", "fe80::1", "1:1:1:1:1:1:1"};

struct Candidate {
  IpAddress address;
  std::string zone, host;
};

// `pattern` with something in place of its stars and question marks.
std::string Filled(std::string_view pattern, std::string_view star, char one) {
  std::string text;
  for (const char c : pattern) {
    if (c == '*')
      text += star;
    else
      text += c == '?' ? one : c;
  }
  return text;
}

// The patterns of the Address and Host criteria of `blocks`.
std::set<std::string> PatternsOf(const SshdFiles& files,
                                 const std::vector<bool>& blocks) {
  std::set<std::string> patterns;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (!blocks[i]) continue;
    for (const auto& [attribute, argument] : files.blocks[i].tests)
      if (attribute == "address" || attribute == "host")
        for (std::string_view piece : Pieces(argument, ',')) {
          if (piece.starts_with('!')) piece.remove_prefix(1);
          if (patterns.size() < kPatterns) patterns.emplace(piece);
        }
  }
  return patterns;
}

// Candidates within a set of addresses.
class Candidates {
 public:
  explicit Candidates(const AddressSet& within) : within_(within) {
    ranges_ = within.ranges();
    if (ranges_.size() > kRanges) ranges_.resize(kRanges);
    for (const AddressSet::Range& range : ranges_) {
      Add(range.first);
      Add(range.last);
      // Those of a small one all.
      for (unsigned i = 1; i < kRandom; ++i)
        if (range.last.bits - range.first.bits > i &&
            range.last.bits - range.first.bits < kRandom)
          Add({range.first.v6, range.first.bits + i});
    }
  }

  void AddPattern(const std::string& pattern) {
    const size_t percent = pattern.find('%');
    const std::string zone = percent == pattern.npos
                                 ? "lo"
                                 : Filled(pattern.substr(percent + 1), "", '0');
    const std::string_view host =
        std::string_view(pattern).substr(0, pattern.find_first_of("%/"));
    // What fills in nothing would be the same address again.
    std::set<std::string> texts;
    for (const std::string_view star : kFillings)
      for (const char one : {'1', '2', 'a', '9', ':'})
        texts.insert(Filled(host, star, one));
    for (const std::string& text : texts)
      if (const auto address = ParseIpAddress(text)) Add(*address, zone);
    if (const auto address = ExampleOfText(pattern, within_)) Add(*address);
    if (percent != pattern.npos)
      for (const AddressSet::Range& range : ranges_) Add(range.first, zone);
  }

  // Names that `pattern` matches, for a client from anywhere.
  void AddName(const std::string& pattern) {
    all_.push_back({ranges_.front().first, "lo", Filled(pattern, "x", 'x')});
  }

  void AddRandom() {
    std::minstd_rand random(1);  // each time the same
    for (size_t i = 0; i < kRandom; ++i) {
      const AddressSet::Range& range = ranges_[random() % ranges_.size()];
      unsigned __int128 bits = 0;
      for (int part = 0; part < 8; ++part)
        bits = bits << 16 | (random() >> 8 & 0xffff);
      const unsigned __int128 span = range.last.bits - range.first.bits;
      if (span + 1 != 0) bits %= span + 1;
      Add({range.first.v6, range.first.bits + bits});
    }
  }

  const std::vector<Candidate>& all() const { return all_; }

 private:
  void Add(const IpAddress& address, const std::string& zone = "lo") {
    if (within_.Contains(address)) all_.push_back({address, zone, ""});
  }

  const AddressSet& within_;
  std::vector<AddressSet::Range> ranges_;
  std::vector<Candidate> all_;
};

}  // namespace

std::vector<SshExamples::Client> SshExamples::Of(
    const AddressSet& within, const std::vector<bool>& all,
    const std::vector<bool>& blocks) {
  std::vector<size_t> wanted;
  for (size_t i = 0; i < blocks.size(); ++i)
    if (blocks[i] && all[i]) wanted.push_back(i);
  const std::vector<bool> none(blocks.size());
  if (wanted.empty()) return {{within.ranges().front().first, "lo", "", none}};
  const auto [known, added] = known_.try_emplace(
      {within.ranges().front().first, within.ranges().back().last});
  if (added) known->second = Find(within, all);
  std::vector<Client> clients;
  std::set<std::vector<bool>> seen;
  for (const Client& client : known->second) {
    std::vector<bool> matched;
    for (const size_t i : wanted) matched.push_back(client.blocks[i]);
    if (!seen.insert(matched).second) continue;
    clients.push_back(client);
    clients.back().blocks = none;
    for (size_t i = 0; i < wanted.size(); ++i)
      clients.back().blocks[wanted[i]] = matched[i];
    if (clients.size() == kMost) break;
  }
  return clients;
}

bool SshExamples::Matches(const SshdBlock& block, const std::string& address,
                          const std::string& host) {
  return std::ranges::all_of(block.tests, [&](const auto& test) {
    const auto& [attribute, argument] = test;
    budget_ -= static_cast<int64_t>(argument.size() / 16 + 1);
    if (attribute == "address")
      return SshAddressMatches(address, argument) == SshMatch::kMatch;
    return attribute != "host" ||
           SshListMatches(Lower(host), Lower(argument)) == SshMatch::kMatch;
  });
}

std::vector<SshExamples::Client> SshExamples::Find(
    const AddressSet& within, const std::vector<bool>& blocks) {
  Candidates candidates(within);
  for (const std::string& pattern : PatternsOf(files_, blocks)) {
    candidates.AddPattern(pattern);
    if (use_dns_) candidates.AddName(pattern);
  }
  candidates.AddRandom();
  std::vector<Client> clients;
  std::set<std::vector<bool>> seen;
  // What was seen of each block: that it holds, and that it does not.
  std::vector<bool> held(blocks.size()), failed(blocks.size());
  for (const Candidate& candidate : candidates.all()) {
    if (budget_ < 0 && !clients.empty()) break;
    const std::string address =
        SshAddressText(candidate.address, candidate.zone);
    const std::string& host = candidate.host.empty() ? address : candidate.host;
    std::vector<bool> matched(blocks.size());
    bool news = clients.size() < kMostOfAll;
    for (size_t i = 0; i < blocks.size(); ++i) {
      if (!blocks[i]) continue;
      matched[i] = Matches(files_.blocks[i], address, host);
      std::vector<bool>& before = matched[i] ? held : failed;
      news = news || !before[i];
      before[i] = true;
    }
    if (news && seen.insert(matched).second)
      clients.push_back(
          {candidate.address, candidate.zone, candidate.host, matched});
  }
  return clients;
}

}  // namespace metsuke
