#include "controller/report/cause_table.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <utility>

#include "controller/boot_time.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// How long before a change somebody may have logged in who made it.
constexpr int64_t kLongestSession = 7 * 86400;
constexpr size_t kMostTold = 5;
// Of one host; of more the first are let go.
constexpr size_t kMostEvents = 20'000;

// That the host was booted.
v1::Event Booted(int64_t time) {
  v1::Event boot;
  boot.set_time(time);
  boot.set_kind("recorder");
  boot.set_service("boot");
  boot.set_source("journal");
  return boot;
}

}  // namespace

absl::StatusOr<std::vector<v1::Event>> CauseTable::Events(
    const ReportHost& host) const {
  std::deque<v1::Event> sessions, near;
  const int64_t since = host.from - interval_;
  const auto keep = [](std::deque<v1::Event>& kept, v1::Event event) {
    kept.push_back(std::move(event));
    if (kept.size() > kMostEvents) kept.pop_front();
    return true;
  };
  RETURN_IF_ERROR(store_.VisitEvents(
      host.id, {since - kLongestSession, since, {"login", "logout"}},
      [&](v1::Event event) {
        return event.service() != "ssh" || keep(sessions, std::move(event));
      }));
  RETURN_IF_ERROR(store_.VisitEvents(
      host.id, {since, to_ + interval_, {}}, [&](v1::Event event) {
        return event.kind() == "login_failed" || event.kind() == "unproven" ||
               keep(near, std::move(event));
      }));
  std::vector<v1::Event> events(std::make_move_iterator(sessions.begin()),
                                std::make_move_iterator(sessions.end()));
  std::ranges::move(near, std::back_inserter(events));
  const auto booted = BootTime(*host.after, [this](const std::string& digest) {
    return store_.Body(digest);
  });
  // Damaged rows cost this one kind of cause; controls that read them say so.
  if (!booted.ok() && !absl::IsDataLoss(booted.status()))
    return booted.status();
  if (booted.ok() && *booted >= since) events.push_back(Booted(*booted));
  std::ranges::stable_sort(events, {}, &v1::Event::time);
  return events;
}

size_t CauseTable::Number(v1::ReportCause cause) {
  const auto [number, fresh] =
      numbers_.try_emplace(SameCause(cause), causes_.size());
  if (fresh) causes_.push_back(std::move(cause));
  return number->second;
}

// A table that became another several times may have done so for several
// reasons: then only what has to do with it is told, and not who was there.
std::optional<v1::ReportCause> CauseTable::Likeliest(
    const Causes& causes, const std::string& table,
    const std::vector<int64_t>& looks, const std::set<std::string>& names) {
  std::optional<v1::ReportCause> likeliest;
  for (const int64_t seen : looks) {
    auto cause = causes.Of({table, seen, names});
    if (!cause) continue;
    if (looks.size() == 1) return cause;
    const bool names_it = cause->kind() == "record";
    if (!names_it && cause->kind() != "program") continue;
    if (!likeliest || (names_it && likeliest->kind() != "record"))
      likeliest = std::move(cause);
  }
  return likeliest;
}

absl::Status CauseTable::Add(uint32_t number, const ReportHost& host,
                             const DifferingRows& differing) {
  ASSIGN_OR_RETURN(std::vector<v1::Event> events, Events(host));
  if (events.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto looks,
                   store_.TableTimes(host.id, host.from, to_));
  const Causes causes(std::move(events), interval_, rules_);
  for (const auto& [table, names] : differing) {
    const auto seen = looks.find(table);
    if (seen == looks.end()) continue;
    if (auto cause = Likeliest(causes, table, seen->second, names))
      by_host_[number][table] = Number(*std::move(cause));
  }
  return absl::OkStatus();
}

std::vector<v1::ReportCause> CauseTable::Of(const std::set<std::string>& tables,
                                            const HostNumbers& hosts) const {
  std::map<size_t, uint32_t> counts;
  for (const uint32_t host : hosts) {
    const auto known = by_host_.find(host);
    if (known == by_host_.end()) continue;
    // Two tables may have one cause.
    std::set<size_t> seen;
    for (const auto& [table, number] : known->second)
      if (tables.contains(table)) seen.insert(number);
    for (const size_t number : seen) ++counts[number];
  }
  std::vector<v1::ReportCause> told;
  for (const auto& [number, count] : counts) {
    told.push_back(causes_[number]);
    told.back().set_hosts(count);
  }
  std::ranges::stable_sort(told, std::ranges::greater(),
                           &v1::ReportCause::hosts);
  if (told.size() > kMostTold) told.resize(kMostTold);
  return told;
}

}  // namespace metsuke
