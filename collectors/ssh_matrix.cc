#include "collectors/ssh_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "collectors/ssh_examples.h"
#include "collectors/ssh_pattern.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// One bit for each block.
using Bits = std::vector<bool>;

// A part of all sources, and the blocks whose tests of the source hold there,
// and hold for some.
struct Source {
  Bits bits, maybe;
  AddressSet addresses;
};

Bits And(const Bits& a, const Bits& b) {
  Bits both(a.size());
  for (size_t i = 0; i < a.size(); ++i) both[i] = a[i] && b[i];
  return both;
}

Bits Or(Bits a, const Bits& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] = a[i] || b[i];
  return a;
}

bool GroupMatches(const SshAccount& account, const std::string& list) {
  bool matches = false;
  for (const std::string& group : account.groups) {
    const SshMatch match = SshListMatches(group, list);
    if (match == SshMatch::kNegated) return false;
    matches = matches || match == SshMatch::kMatch;
  }
  return matches;
}

// Tests of other attributes hold here: each of the three looks at its own.
bool AccountPasses(const SshdBlock& block, const SshAccount& account) {
  return std::ranges::all_of(block.tests, [&](const auto& test) {
    const auto& [attribute, argument] = test;
    if (attribute == "user")
      return SshListMatches(account.name, argument) == SshMatch::kMatch;
    if (attribute == "group")
      return account.exists && GroupMatches(account, argument);
    return attribute != "invalid-user" || !account.exists;
  });
}

bool ListenerPasses(const SshdBlock& block, const SshListener& listener) {
  return std::ranges::all_of(block.tests, [&](const auto& test) {
    const auto& [attribute, argument] = test;
    if (attribute == "localport")
      return Number(argument).value_or(-1) == listener.port;
    if (attribute == "localaddress")
      return SshAddressMatches(SshAddressText(listener.address), argument) ==
             SshMatch::kMatch;
    if (attribute == "rdomain")
      return !listener.routing_domain.empty() &&
             SshListMatches(listener.routing_domain, argument) ==
                 SshMatch::kMatch;
    return true;
  });
}

// Whether it is a criterion of sshd_config(5) that is not about the source.
bool Known(const std::string& attribute) {
  for (const std::string_view known :
       {"user", "group", "localaddress", "localport", "rdomain", "version",
        "invalid-user"})
    if (attribute == known) return true;
  return false;
}

class Cutter {
 public:
  Cutter(const SshdFiles& files, const std::vector<SshAccount>& accounts,
         const std::vector<SshListener>& listeners, const SshdSettings& general,
         const AskSshd& ask, size_t most)
      : files_(files),
        accounts_(accounts),
        listeners_(listeners),
        ask_(ask),
        most_(most),
        decides_(files.blocks.size()),
        use_dns_(SettingOf(general, "usedns") == "yes"),
        examples_(files, use_dns_) {
    for (const SshdLine& line : files.lines)
      if (DecidesSshAccess(line.keyword)) decides_[line.block] = true;
    decides_[0] = false;  // holds for all
    const Bits always =
        BitsOf([](const SshdBlock& block) { return block.tests.empty(); });
    kinds_[always] = 0;
    matrix_.kinds.push_back({MakeSshPolicy(general), always});
  }

  absl::StatusOr<SshMatrix> Make() {
    CutSources();
    std::vector<Bits> at;
    for (const SshListener& listener : listeners_)
      at.push_back(BitsOf([&](const SshdBlock& block) {
        return ListenerPasses(block, listener);
      }));
    // Accounts for which the same blocks may hold have the same cells.
    std::map<Bits, size_t> like;
    for (size_t i = 0; i < accounts_.size(); ++i) {
      const Bits bits = BitsOf([&](const SshdBlock& block) {
        return AccountPasses(block, accounts_[i]);
      });
      const auto [known, added] = like.try_emplace(bits, i);
      if (!added) {
        matrix_.cells.push_back(matrix_.cells[known->second]);
        continue;
      }
      matrix_.cells.emplace_back();
      for (size_t l = 0; l < listeners_.size(); ++l)
        RETURN_IF_ERROR(Fill(i, l, And(bits, at[l])));
    }
    if (left_out_ > 0)
      matrix_.problems.push_back(fmt::format(
          "sshd was asked about {} kinds of connections, and {} more were left "
          "out",
          most_, left_out_));
    return std::move(matrix_);
  }

 private:
  template <typename Passes>
  Bits BitsOf(Passes passes) const {
    Bits bits(files_.blocks.size());
    for (size_t i = 0; i < bits.size(); ++i)
      bits[i] = decides_[i] && passes(files_.blocks[i]);
    return bits;
  }

  void CutSources() {
    const Bits none(files_.blocks.size());
    sources_.push_back({none, none, AddressSet::Everywhere()});
    for (size_t i = 0; i < files_.blocks.size(); ++i)
      if (decides_[i]) Cut(i, SourcesOf(files_.blocks[i]));
  }

  SshSources SourcesOf(const SshdBlock& block) {
    AddressSet surely = AddressSet::Everywhere(), possible = surely;
    for (const auto& [attribute, argument] : block.tests) {
      if (attribute != "address" && attribute != "host") {
        if (!Known(attribute) ||
            argument.empty() != (attribute == "invalid-user"))
          AddProblem(block, attribute + " cannot be read");
        continue;
      }
      const SshSources part = attribute == "address"
                                  ? SshAddresses(argument)
                                  : SshHostAddresses(argument, use_dns_);
      if (!part.exact())
        AddProblem(block, argument +
                              " cannot be told as networks, so what holds for "
                              "some of its sources is said of all; write "
                              "networks such as 10.0.0.0/8");
      surely = surely.And(part.surely);
      possible = possible.And(part.Possible());
    }
    return {surely, possible.Without(surely)};
  }

  void AddProblem(const SshdBlock& block, const std::string& problem) {
    matrix_.problems.push_back(fmt::format("{}:{} Match {}: {}", block.path,
                                           block.number, block.criteria,
                                           problem));
  }

  void Cut(size_t block, const SshSources& where) {
    std::vector<Source> cut;
    const AddressSet possible = where.Possible();
    for (const Source& source : sources_) {
      const auto keep = [&](AddressSet part, bool surely, bool maybe) {
        if (part.empty()) return;
        cut.push_back({source.bits, source.maybe, std::move(part)});
        cut.back().bits[block] = surely;
        cut.back().maybe[block] = maybe;
      };
      keep(source.addresses.Without(possible), false, false);
      keep(source.addresses.And(where.surely), true, false);
      keep(source.addresses.And(where.maybe), false, true);
    }
    sources_ = std::move(cut);
  }

  absl::Status Fill(size_t account, size_t listener, const Bits& bits) {
    std::map<size_t, AddressSet> by_kind;
    for (const Source& source : sources_) {
      const AddressSet from =
          source.addresses.And(listeners_[listener].sources);
      if (from.empty()) continue;
      SshQuestion question{accounts_[account].name, from.ranges().front().first,
                           listeners_[listener].address,
                           listeners_[listener].port,
                           listeners_[listener].routing_domain};
      for (const SshExamples::Client& client :
           examples_.Of(from, source.maybe, bits)) {
        question.source = client.address;
        question.zone = client.zone;
        question.host = client.host;
        ASSIGN_OR_RETURN(
            const std::optional<size_t> kind,
            KindOf(Or(And(bits, source.bits), client.blocks), question));
        if (kind) by_kind[*kind].Add(from);
      }
    }
    for (auto& [kind, from] : by_kind)
      matrix_.cells.back().push_back({listener, kind, std::move(from)});
    return absl::OkStatus();
  }

  // Nothing when too much was asked already.
  absl::StatusOr<std::optional<size_t>> KindOf(const Bits& active,
                                               const SshQuestion& question) {
    const auto [known, added] =
        kinds_.try_emplace(active, matrix_.kinds.size());
    if (!added && known->second != kLeftOut) return known->second;
    if (!added) return std::optional<size_t>();
    if (matrix_.kinds.size() > most_) {
      known->second = kLeftOut;
      ++left_out_;
      return std::optional<size_t>();
    }
    ASSIGN_OR_RETURN(const SshdSettings settings, ask_(question));
    matrix_.kinds.push_back({MakeSshPolicy(settings), active});
    return known->second;
  }

  static constexpr size_t kLeftOut = SIZE_MAX;

  const SshdFiles& files_;
  const std::vector<SshAccount>& accounts_;
  const std::vector<SshListener>& listeners_;
  const AskSshd& ask_;
  const size_t most_;
  // Blocks that set something of which access depends.
  Bits decides_;
  const bool use_dns_;
  SshExamples examples_;
  std::vector<Source> sources_;
  std::map<Bits, size_t> kinds_;
  size_t left_out_ = 0;
  SshMatrix matrix_;
};

}  // namespace

std::string SshQuestion::Spec() const {
  const std::string from = SshAddressText(source, zone);
  std::string spec = fmt::format("user={},host={},addr={},laddr={},lport={}",
                                 user, host.empty() ? from : host, from,
                                 SshAddressText(address), port);
  if (!routing_domain.empty()) spec += ",rdomain=" + routing_domain;
  return spec;
}

absl::StatusOr<SshMatrix> MakeSshMatrix(
    const SshdFiles& files, const std::vector<SshAccount>& accounts,
    const std::vector<SshListener>& listeners, const SshdSettings& general,
    const AskSshd& ask, size_t most) {
  return Cutter(files, accounts, listeners, general, ask, most).Make();
}

const SshdLine* DecidingLine(const SshdFiles& files,
                             const std::vector<bool>& active,
                             std::string_view keyword) {
  const SshdLine* global = nullptr;
  for (const SshdLine& line : files.lines) {
    if (line.keyword != keyword) continue;
    if (line.block != 0 && active[line.block]) return &line;
    if (line.block == 0 && global == nullptr) global = &line;
  }
  return global;
}

}  // namespace metsuke
