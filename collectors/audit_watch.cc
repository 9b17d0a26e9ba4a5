#include "collectors/audit_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400;
constexpr size_t kMost = 20;

int64_t Percent(const AuditCounters& look) {
  return look.backlog_limit == 0
             ? 0
             : int64_t{100} * look.backlog / look.backlog_limit;
}

}  // namespace

AuditWatch::AuditWatch(std::string_view text) {
  std::vector<int64_t> numbers;
  for (const std::string_view word : Words(text))
    numbers.push_back(Number(word).value_or(0));
  if (numbers.size() < 4 || numbers.size() % 4 != 0) return;
  last_ = {.time = numbers[0],
           .lost = static_cast<uint32_t>(numbers[1]),
           .backlog = static_cast<uint32_t>(numbers[2]),
           .backlog_limit = static_cast<uint32_t>(numbers[3])};
  for (size_t i = 4; i < numbers.size(); i += 4)
    periods_.push_back({numbers[i] == 0 ? Kind::kLost : Kind::kBehind,
                        numbers[i + 1], numbers[i + 2], numbers[i + 3]});
}

std::string AuditWatch::ToText() const {
  std::string text = fmt::format("{} {} {} {}", last_.time, last_.lost,
                                 last_.backlog, last_.backlog_limit);
  for (const Period& period : periods_)
    text += fmt::format(" {} {} {} {}", period.kind == Kind::kLost ? 0 : 1,
                        period.since, period.until, period.amount);
  return text;
}

void AuditWatch::Add(Kind kind, const AuditCounters& now, int64_t amount) {
  for (Period& period : periods_) {
    if (period.kind != kind || period.until != last_.time) continue;
    period.until = now.time;
    period.amount = kind == Kind::kLost ? period.amount + amount
                                        : std::max(period.amount, amount);
    return;
  }
  periods_.push_back({kind, last_.time, now.time, amount});
}

void AuditWatch::Look(const AuditCounters& now) {
  const bool first = last_.time == 0;
  // It counts from the boot on, and auditctl --reset-lost sets it back.
  if (!first && now.enabled && now.lost > last_.lost)
    Add(Kind::kLost, now, int64_t{now.lost} - last_.lost);
  const bool rises = !first && Percent(last_) > 10 && Percent(now) > 10 &&
                     now.backlog > last_.backlog;
  if (rises || Percent(now) >= 90) Add(Kind::kBehind, now, Percent(now));
  last_ = now;
  std::erase_if(periods_, [&](const Period& period) {
    return period.until < now.time - kDay;
  });
  if (periods_.size() > kMost) periods_.erase(periods_.begin());
}

std::vector<LogPause> AuditWatch::Told() const {
  std::vector<LogPause> told;
  for (const Period& period : periods_)
    told.push_back(
        {period.since == 0 ? period.until : period.since, period.until,
         period.kind == Kind::kLost
             ? fmt::format("{} {} of audit lost, by the kernel's count",
                           OneDigit(period.amount),
                           period.amount == 1 ? "record" : "records")
             : fmt::format("records of audit waited: up to {}% of the backlog "
                           "limit",
                           period.amount / 10 * 10)});
  return told;
}

}  // namespace metsuke
