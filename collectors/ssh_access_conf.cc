#include "collectors/ssh_access_conf.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <optional>

#include "collectors/words.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

constexpr size_t kRules = 2000;
// pam_access takes lines of BUFSIZ bytes; its newer releases longer ones.
constexpr size_t kLine = 8191;
// Rules that are named beside a row.
constexpr int kNamed = 3;

bool Same(const std::string& a, const char* b) {
  return strcasecmp(a.c_str(), b) == 0;
}

// strtok(3).
std::vector<std::string> Tokens(std::string_view text,
                                std::string_view separators) {
  std::vector<std::string> tokens;
  while (true) {
    const size_t begin = text.find_first_not_of(separators);
    if (begin == text.npos) return tokens;
    text.remove_prefix(begin);
    const size_t end = std::min(text.find_first_of(separators), text.size());
    tokens.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

// Takes the token in front off `text`, and the separator behind it.
std::string TakeToken(std::string_view& text, std::string_view separators) {
  const size_t begin = text.find_first_not_of(separators);
  if (begin == text.npos) return "";
  text.remove_prefix(begin);
  const size_t end = std::min(text.find_first_of(separators), text.size());
  const std::string token(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return token;
}

using Matches = AccessMatch;

Matches Both(Matches a, Matches b) { return std::min(a, b); }
Matches Either(Matches a, Matches b) { return std::max(a, b); }
Matches Not(Matches a) {
  if (a == Matches::kMaybe) return a;
  return a == Matches::kNo ? Matches::kYes : Matches::kNo;
}

SshSources Either(const SshSources& a, const SshSources& b) {
  SshSources sources = a;
  sources.surely.Add(b.surely);
  sources.maybe.Add(b.maybe);
  sources.maybe = sources.maybe.Without(sources.surely);
  return sources;
}

SshSources Both(const SshSources& a, const SshSources& b) {
  const AddressSet surely = a.surely.And(b.surely);
  return {surely, a.Possible().And(b.Possible()).Without(surely)};
}

SshSources Not(const SshSources& a) {
  return {AddressSet::Everywhere().Without(a.Possible()), a.maybe};
}

// "A B EXCEPT C EXCEPT D": of one list what the next does not take away.
template <typename Match, typename Of>
Match MatchList(const std::vector<std::string>& tokens, size_t begin, Of of) {
  Match match{};
  size_t i = begin;
  for (; i < tokens.size() && !Same(tokens[i], "EXCEPT"); ++i)
    match = Either(match, of(tokens[i]));
  if (i == tokens.size()) return match;
  return Both(match, Not(MatchList<Match>(tokens, i + 1, of)));
}

Matches MatchUser(const std::string& token, const AccessUser& user,
                  const std::map<std::string, uint32_t>& groups,
                  bool default_group) {
  const auto member = [&](const std::string& name) {
    const auto group = groups.find(name);
    return group != groups.end() && user.groups.contains(group->second)
               ? Matches::kYes
               : Matches::kNo;
  };
  if (token.starts_with('(') && token.ends_with(')') && token.size() >= 3)
    return member(token.substr(1, token.size() - 2));
  // Behind the first @ the name of this host, and netgroups.
  if (const size_t at = token.find('@', token.find_first_not_of('@'));
      at != std::string::npos)
    return Both(Matches::kMaybe,
                MatchUser(token.substr(0, at), user, groups, default_group));
  if (token.starts_with('@')) return Matches::kMaybe;
  if (Same(token, "ALL") || Same(token, user.name.c_str()))
    return Matches::kYes;
  return default_group ? member(token) : Matches::kNo;
}

// How many bits of `family` a mask such as "24", "0x18" or "255.255.255.0" has;
// nothing when it is none.
std::optional<int> MaskLength(const std::string& text, bool v6) {
  const int width = v6 ? 128 : 32;
  if (const auto mask = ParseIpAddress(text)) {
    if (mask->v6 != v6) return std::nullopt;
    for (int length = 1; length <= width; ++length) {
      const auto last = AddressSet::Prefix({v6, 0}, length).ranges()[0].last;
      const auto all = AddressSet::All(v6).ranges()[0].last;
      if (mask->bits == (all.bits & ~last.bits)) return length;
    }
    return std::nullopt;
  }
  char* end = nullptr;
  const long length = strtol(text.c_str(), &end, 0);
  if (text.empty() || *end != '\0' || length < 1 || length > width)
    return std::nullopt;
  return static_cast<int>(length);
}

// Of clients with a zone it compares the address or the text, which depends on
// what it compared before.
SshSources Network(const AddressSet& set) {
  return {set.Without(AddressSet::LinkLocal()),
          set.And(AddressSet::LinkLocal())};
}

// "192.0.2.", which all texts begin with that match: whole octets.
SshSources Prefix(const std::string& token) {
  std::string address = token.substr(0, token.size() - 1);
  const auto octets = std::ranges::count(token, '.');
  if (octets > 4) return {};
  for (auto i = octets; i < 4; ++i) address += ".0";
  const auto parsed = ParseIpAddress(address);
  if (!parsed || ToText(*parsed) != address) return {};
  return {AddressSet::Prefix(*parsed, static_cast<int>(8 * octets)), {}};
}

// A name of something that is no host.
bool IsTerminal(const std::string& token) {
  return Same(token, "LOCAL") || Same(token, "NONE") || token == "cron" ||
         token == "crond" || token.starts_with("tty") ||
         (token.starts_with(':') && Number(token.substr(1)));
}

SshSources MatchOrigin(const std::string& token, bool use_dns) {
  static const SshSources& anywhere =
      *new SshSources{AddressSet::Everywhere(), {}};
  static const SshSources& unclear =
      *new SshSources{{}, AddressSet::Everywhere()};
  if (Same(token, "ALL")) return anywhere;
  if (IsTerminal(token)) return {};
  if (use_dns || token.starts_with('@')) return unclear;
  // The end of a name, or of the text of an address.
  if (token.starts_with('.'))
    return token.find_first_not_of(".0123456789") == token.npos ? unclear
                                                                : SshSources();
  if (token.ends_with('.')) return Prefix(token);
  const size_t slash = token.find('/');
  const auto address = ParseIpAddress(token.substr(0, slash));
  if (!address) {
    // Newer releases ask for the addresses of names.
    if (slash != token.npos) return {};
    return token.find('%') == token.npos
               ? unclear
               : SshSources{{}, AddressSet::LinkLocal()};
  }
  if (slash == token.npos)
    return Network(AddressSet::Prefix(*address, address->v6 ? 128 : 32));
  if (const auto length = MaskLength(token.substr(slash + 1), address->v6))
    return Network(AddressSet::Prefix(*address, *length));
  // A mask of no bits is none, and others are no networks.
  return {{}, AddressSet::All(address->v6)};
}

}  // namespace

std::string AccessRule::Text() const {
  const auto joined = [](const std::vector<std::string>& tokens) {
    std::string text;
    for (const std::string& token : tokens)
      text += (text.empty() ? "" : " ") + token;
    return text.size() <= 200 ? text : ToUtf8(text.substr(0, 200)) + "…";
  };
  return fmt::format("{}:{} {} : {} : {}", path, number, allows ? '+' : '-',
                     joined(users), joined(origins));
}

bool AddAccessRules(std::string_view text, const std::string& path,
                    const AccessSyntax& syntax,
                    std::vector<AccessRule>& rules) {
  int number = 0;
  while (!text.empty()) {
    if (rules.size() == kRules) return false;
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    AccessRule rule;
    rule.doubtful = end == text.npos || line.size() > kLine;
    rule.path = path;
    rule.number = ++number;
    if (line.starts_with('#')) continue;
    while (!line.empty() && std::string_view(" \t\r\f\v").find(line.back()) !=
                                std::string_view::npos)
      line.remove_suffix(1);
    const std::string sign = TakeToken(line, syntax.fields);
    const std::string users = TakeToken(line, syntax.fields);
    if (line.empty() || (sign[0] != '+' && sign[0] != '-')) continue;
    rule.allows = sign[0] == '+';
    rule.users = Tokens(users, syntax.lists);
    rule.origins = Tokens(line, syntax.lists);
    rule.from =
        MatchList<SshSources>(rule.origins, 0, [&](const std::string& token) {
          return MatchOrigin(token, syntax.use_dns);
        });
    rules.push_back(std::move(rule));
  }
  return true;
}

std::vector<AccessMatch> MatchAccessUsers(
    const std::vector<AccessRule>& rules, const AccessSyntax& syntax,
    const AccessUser& user, const std::map<std::string, uint32_t>& groups) {
  std::vector<AccessMatch> who;
  for (const AccessRule& rule : rules)
    who.push_back(
        MatchList<Matches>(rule.users, 0, [&](const std::string& token) {
          return MatchUser(token, user, groups, !syntax.no_default_group);
        }));
  return who;
}

AccessAnswer ApplyAccessRules(const std::vector<AccessRule>& rules,
                              const std::vector<AccessMatch>& who) {
  AccessAnswer answer;
  // Where no rule before surely decided; and where one lets in.
  AddressSet open = AddressSet::Everywhere(), inside;
  int named = 0;
  for (size_t i = 0; i < rules.size() && !open.empty(); ++i) {
    const AccessRule& rule = rules[i];
    if (who[i] == Matches::kNo) continue;
    SshSources from = rule.from;
    if (who[i] == Matches::kMaybe || rule.doubtful)
      from = {{}, from.Possible()};
    if (!from.maybe.And(open).empty()) answer.unclear.push_back(rule.Text());
    const AddressSet possible = from.Possible().And(open).Without(inside);
    if (rule.allows && !possible.empty()) {
      answer.allowed.emplace_back(possible, rule.Text());
      inside.Add(possible);
    }
    if (!rule.allows && !from.surely.And(open).empty() && ++named <= kNamed)
      answer.denied_by += (named > 1 ? "; " : "") + rule.Text();
    open = open.Without(from.surely);
  }
  open = open.Without(inside);
  if (!open.empty()) answer.allowed.emplace_back(open, answer.denied_by);
  return answer;
}

}  // namespace metsuke
