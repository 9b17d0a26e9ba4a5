#include "controller/page/times.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "proto/status.h"

namespace metsuke {
namespace {

constexpr size_t kMostNights = 90;

// Divisions that a chart can show, and looks at hosts that may be spent on it.
constexpr int64_t kMostSteps = 36, kMostLooks = 3600;

constexpr int64_t kMinute = 60, kHour = 3600, kDay = 86400;

// Below five minutes agents do not look again.
constexpr int64_t kSteps[] = {
    5 * kMinute, 10 * kMinute, 15 * kMinute, 30 * kMinute, kHour,
    2 * kHour,   3 * kHour,    6 * kHour,    12 * kHour,   kDay,
    2 * kDay,    7 * kDay,     14 * kDay,    28 * kDay};

PageTime TimeOf(const v1::ReportEntry& entry) {
  PageTime time{.from = entry.from(),
                .to = entry.to(),
                .score = entry.score(),
                .hosts = entry.hosts(),
                .unseen = entry.unseen()};
  // Where nothing was judged nothing can turn.
  if (entry.score() >= 0 || entry.worse() + entry.better() > 0) {
    time.worse = entry.worse();
    time.better = entry.better();
  }
  return time;
}

int64_t FactsOf(const v1::Report& report) {
  int64_t facts = 0;
  for (const v1::ReportChanges& changes : report.changes())
    facts += (changes.changes_size() + int64_t{changes.omitted()}) *
             changes.hosts().count();
  return facts;
}

absl::Status AddNights(Store& store, Page& page) {
  ASSIGN_OR_RETURN(const std::vector<v1::ReportEntry> nights, store.Reports());
  const v1::Report& report = page.report;
  for (const v1::ReportEntry& night : nights)  // the newest first
    if (night.to() <= report.to() && page.times.size() < kMostNights)
      page.times.push_back(TimeOf(night));
  std::ranges::reverse(page.times);
  if (page.times.empty() || page.times.back().to == report.to())
    return absl::OkStatus();
  const int64_t last = page.times.back().to;
  PageTime now = TimeOf(EntryOf(report));
  // What it tells from before the last night's end is told by nights, and what
  // of it came later nobody can say.
  if (report.from() < last) {
    now.from = last;
    now.worse = now.better = -1;
  }
  page.times.push_back(now);
  return absl::OkStatus();
}

int64_t StepOf(int64_t span, uint32_t hosts) {
  const int64_t most = std::clamp(kMostLooks / std::max<int64_t>(1, hosts),
                                  int64_t{1}, kMostSteps);
  const auto* const step = std::ranges::find_if(
      kSteps, [&](int64_t each) { return each * most >= span; });
  return step == std::end(kSteps) ? (span + most - 1) / most : *step;
}

// How the hosts turned from `from` to `to`.
absl::StatusOr<PageTime> Turned(const ReportSources& sources,
                                const HostFilter& hosts, int64_t from,
                                int64_t to) {
  const auto made = MakeReport(
      sources,
      {.day = "", .hosts = hosts, .from = from, .to = to, .behind = {}});
  // The host was not in the fleet then.
  if (absl::IsNotFound(made.status())) return PageTime{.from = from, .to = to};
  RETURN_IF_ERROR(made.status());
  PageTime time = TimeOf(EntryOf(made->report));
  time.facts = FactsOf(made->report);
  return time;
}

absl::Status AddSteps(const ReportSources& sources, const HostFilter& hosts,
                      Page& page) {
  const v1::Report& report = page.report;
  page.times.push_back({.from = report.from(),
                        .to = report.from(),
                        .score = report.before().score(),
                        .hosts = report.before().hosts()});
  const int64_t span = report.to() - report.from();
  const int64_t step =
      StepOf(span, std::max(report.before().hosts(), report.after().hosts()));
  // Counted from the end, so that those of a night are hours of the clock.
  for (int64_t left = (span + step - 1) / step; left > 0; --left) {
    const int64_t to = report.to() - (left - 1) * step;
    ASSIGN_OR_RETURN(
        const PageTime time,
        Turned(sources, hosts, std::max(report.from(), to - step), to));
    page.times.push_back(time);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AddTimes(const ReportSources& sources, const HostFilter& hosts,
                      Page& page) {
  if (hosts.host.empty() && hosts.selector.empty()) {
    RETURN_IF_ERROR(AddNights(sources.store, page));
    page.nightly = page.times.size() > 1;
    if (page.nightly) return absl::OkStatus();
    page.times.clear();
  }
  return AddSteps(sources, hosts, page);
}

}  // namespace metsuke
