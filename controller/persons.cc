#include "controller/persons.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

namespace metsuke {
namespace {

// Base64 of 32 bytes, without the "=" at its end.
constexpr size_t kDigestLength = 43;
constexpr std::string_view kDigestName = "SHA256:";

// The key that let somebody in. sshd tells its type and its fingerprint first
// (format_method_key in auth2-pubkey.c); after those of a certificate come
// words that its authority chose and the fingerprint of that, and an older sshd
// tells these alone.
std::string_view KeyOf(std::string_view method, std::string_view detail) {
  if (method != "publickey") return {};
  const size_t type = detail.find(' ');
  if (type == detail.npos) return {};
  detail.remove_prefix(type + 1);
  const std::string_view word = detail.substr(0, detail.find(' '));
  return IsFingerprint(word) ? word : std::string_view();
}

// Whether somebody comes into the host this way who was not there before. su
// and sudo are called by who is.
bool IsEntrance(std::string_view service) {
  return service == "ssh" || service == "console";
}

}  // namespace

bool IsFingerprint(std::string_view text) {
  if (!text.starts_with(kDigestName)) return false;
  text.remove_prefix(kDigestName.size());
  return text.size() == kDigestLength && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '+' || c == '/';
         });
}

Persons::Persons(const v1::Registers& rows) {
  for (const v1::Person& row : rows.persons())
    if (auto selector = Selector::Parse(row.selector()); selector.ok())
      rows_[row.identity()].push_back({*std::move(selector), row.person()});
}

std::vector<std::string> Persons::All() const {
  std::set<std::string> persons;
  for (const auto& [identity, rows] : rows_)
    for (const Row& row : rows) persons.insert(row.person);
  return {persons.begin(), persons.end()};
}

std::vector<std::string> Persons::Behind(const std::string& identity,
                                         const Labels& labels) const {
  std::set<std::string> persons;
  if (const auto found = rows_.find(identity); found != rows_.end())
    for (const Row& row : found->second)
      if (row.selector.Matches(labels)) persons.insert(row.person);
  return {persons.begin(), persons.end()};
}

// Who logged in stays who it is through su; the account that acts may by then
// be another, and is not asked where the first is known.
template <typename What>
std::vector<std::string> Persons::WhoActed(const What& what,
                                           const Labels& labels) const {
  return Behind(
      what.login_account().empty() ? what.actor() : what.login_account(),
      labels);
}

template <typename What>
std::vector<std::string> Persons::WhoCame(const What& what,
                                          const Labels& labels) const {
  if (!IsEntrance(what.service())) return WhoActed(what, labels);
  // Until the session has begun, the kernel's login account is that of whoever
  // started sshd.
  auto persons =
      Behind(std::string(KeyOf(what.method(), what.detail())), labels);
  return persons.empty() ? Behind(what.account(), labels) : persons;
}

std::vector<std::string> Persons::Of(const v1::HostSession& session,
                                     const Labels& labels) const {
  return WhoCame(session, labels);
}

std::vector<std::string> Persons::Of(const v1::Event& event,
                                     const Labels& labels) const {
  if (event.kind() == "login") return WhoCame(event, labels);
  // The end of a session does not say with which key it began, and whose name
  // was tried need not be there at all.
  if (event.kind() == "logout" ||
      (event.kind() == "login_failed" && IsEntrance(event.service())))
    return {};
  return WhoActed(event, labels);
}

std::string PersonText(const std::vector<std::string>& persons) {
  return fmt::format("{}", fmt::join(persons, " or "));
}

}  // namespace metsuke
