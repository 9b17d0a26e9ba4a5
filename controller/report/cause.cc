#include "controller/report/cause.h"

#include <algorithm>
#include <map>

#include "controller/judge/report_rules.h"

namespace metsuke {
namespace {

// Clocks of a host's programs are one, but a look takes some time.
constexpr int64_t kSlack = 60;

std::string BaseName(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// What a rule of audit recorded: behind the rule's key.
std::string Subject(const std::string& detail) {
  const size_t colon = detail.find(": ");
  return colon == std::string::npos ? detail : detail.substr(colon + 2);
}

// The program that was run with privilege; empty when the event is no such
// thing.
std::string Program(const v1::Event& event) {
  if (event.kind() == "command") return BaseName(Subject(event.detail()));
  if (event.kind() == "login" && event.service() == "sudo")
    return BaseName(event.detail());
  return "";
}

bool IsPrivileged(const v1::Event& event) {
  return (event.kind() == "login" &&
          (event.service() == "sudo" || event.service() == "su")) ||
         (event.kind() == "command" && event.account() == "root");
}

bool MatchesOne(const google::protobuf::RepeatedPtrField<std::string>& patterns,
                const std::string& text) {
  return !text.empty() &&
         std::ranges::any_of(patterns, [&](const std::string& pattern) {
           return Matches(pattern, text);
         });
}

bool Concerns(const v1::CauseRule& rule, const std::string& table) {
  return std::ranges::find(rule.tables(), table) != rule.tables().end();
}

// What the controller itself concluded from the rows explains nothing about
// them.
bool IsRecord(const v1::Event& event) { return event.source() != "drift"; }

bool IsNamed(const v1::Event& event, const std::set<std::string>& names) {
  const auto named = [&](const std::string& text) {
    return !text.empty() && names.contains(text);
  };
  return named(event.account()) || named(event.detail()) ||
         named(Subject(event.detail()));
}

bool HasKind(const v1::CauseRule& rule, const std::string& kind) {
  return std::ranges::find(rule.kinds(), kind) != rule.kinds().end();
}

// The causes from the least to the most likely; "" is none.
int Weight(const std::string& kind) {
  static const std::map<std::string, int> kWeights = {
      {"", 0},         {"privilege", 1}, {"boot", 2},
      {"packages", 3}, {"program", 4},   {"record", 5}};
  return kWeights.at(kind);
}

}  // namespace

std::string Causes::Rank(const v1::Event& event,
                         const TableChange& change) const {
  for (const v1::CauseRule& rule : rules_) {
    if (!Concerns(rule, change.table)) continue;
    if (!IsRecord(event)) {
      if (event.kind() == "package" && event.time() == change.seen &&
          HasKind(rule, "package"))
        return "packages";
      continue;
    }
    if (HasKind(rule, event.kind()) && IsNamed(event, change.names))
      return "record";
    if (event.kind() == "file" &&
        MatchesOne(rule.files(), Subject(event.detail())))
      return "record";
    if (MatchesOne(rule.programs(), Program(event))) return "program";
  }
  if (event.kind() == "recorder" && event.service() == "boot") return "boot";
  return IsRecord(event) && IsPrivileged(event) ? "privilege" : "";
}

std::string Causes::OriginOf(const v1::Event& event) const {
  if (!event.from().empty()) return event.from();
  const std::string& person =
      event.login_account().empty() ? event.actor() : event.login_account();
  if (person.empty()) return "";
  // Where that person's open sessions come from, by the name of the session.
  std::map<std::string, std::string> open;
  for (const v1::Event& earlier : events_) {
    if (earlier.time() > event.time()) break;
    if (earlier.service() != "ssh" || earlier.account() != person) continue;
    if (earlier.kind() == "login")
      open[earlier.session()] = earlier.from();
    else if (earlier.kind() == "logout")
      open.erase(earlier.session());
  }
  // Of several places nobody knows which.
  std::set<std::string> places;
  for (const auto& [session, place] : open) places.insert(place);
  return places.size() == 1 ? *places.begin() : "";
}

std::optional<v1::ReportCause> Causes::Of(const TableChange& change) const {
  const v1::Event* best = nullptr;
  std::string kind;
  for (const v1::Event& event : events_) {
    if (event.time() < change.seen - interval_ - kSlack) continue;
    if (event.time() > change.seen + kSlack) break;
    const std::string rank = Rank(event, change);
    // The last of equals is the nearest.
    if (rank.empty() || Weight(rank) < Weight(kind)) continue;
    best = &event;
    kind = rank;
  }
  if (best == nullptr) return std::nullopt;
  if (kind == "packages") {
    // Who installed them says more than that they were installed.
    const auto install = Of({"packages", change.seen, {}});
    if (install && Weight(install->kind()) >= Weight("program")) {
      v1::ReportCause cause = *install;
      cause.set_kind(kind);
      return cause;
    }
  }
  v1::ReportCause cause;
  cause.set_kind(kind);
  *cause.mutable_event() = *best;
  cause.set_from(OriginOf(*best));
  return cause;
}

std::string SameCause(const v1::ReportCause& cause) {
  const v1::Event& event = cause.event();
  std::string key = cause.kind();
  for (const std::string* part :
       {&event.kind(), &event.service(), &event.account(), &event.actor(),
        &event.login_account(), &cause.from()})
    key += "\n" + *part;
  // What changed differs from host to host where the same was done.
  if (event.source() != "drift") key += "\n" + event.detail();
  return key;
}

}  // namespace metsuke
