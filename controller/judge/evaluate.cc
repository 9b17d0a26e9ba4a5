#include "controller/judge/evaluate.h"

#include "proto/status.h"

namespace metsuke {
namespace {

using Why = std::optional<HostText>;

Judgement Unknown(HostText reason) {
  return {v1::VERDICT_UNKNOWN, std::move(reason), {}};
}

Judgement Failed(const char* query, const absl::Status& status) {
  Judgement judgement =
      Unknown(HostText(std::string(query) + ": " + Message(status)));
  judgement.passing = status.code() == absl::StatusCode::kDeadlineExceeded ||
                      status.code() == absl::StatusCode::kUnavailable;
  return judgement;
}

// The first answer that `ask` has for one of the tables.
Why First(const Reads& reads, const Sight& sight,
          Why (Sight::*ask)(const std::string&) const) {
  for (const auto& [table, columns] : reads)
    if (Why why = (sight.*ask)(table)) return why;
  return {};
}

// The same of the columns that decide.
Why First(const Access& access, const Sight& sight,
          Why (Sight::*ask)(const std::string&, const std::set<std::string>&)
              const) {
  for (const auto& [table, columns] : access.decides)
    if (Why why = (sight.*ask)(table, columns)) return why;
  return {};
}

// Why what the rows say counts neither for the host nor against it.
Why Blind(const Access& access, const Sight& sight) {
  if (Why why = First(access.reads, sight, &Sight::Unseen)) return why;
  return First(access, sight, &Sight::Missing);
}

Judgement NotApplicable(const CompiledControl& control, const Sight& sight) {
  if (Why gap = First(control.applies, sight, &Sight::Gap)) return Unknown(*gap);
  Why why = First(control.applies.reads, sight, &Sight::Absent);
  if (!why) why = HostText(std::string("the host has nothing it speaks of"));
  return {v1::VERDICT_NOT_APPLICABLE, *std::move(why), {}};
}

}  // namespace

Reads CompiledControl::Reads() const {
  metsuke::Reads reads = applies.reads;
  for (const auto& [table, columns] : violations.reads)
    reads[table].insert(columns.begin(), columns.end());
  return reads;
}

Reads CompiledControl::Decides() const {
  metsuke::Reads decides;
  for (const auto& [table, columns] : Reads()) decides[table];
  for (const Access* access : {&applies, &violations})
    for (const auto& [table, columns] : access->decides)
      decides[table].insert(columns.begin(), columns.end());
  return decides;
}

Judgement Evaluate(const CompiledControl& control, Tables& tables,
                   const Sight& sight, int64_t now, const QueryLimits& limits) {
  if (Why why = Blind(control.applies, sight)) return Unknown(*std::move(why));
  if (!control.control.applies().empty()) {
    const auto rows = tables.Query(control.control.applies(), now, limits);
    if (!rows.ok()) return Failed("applies", rows.status());
    if (rows->rows.empty()) return NotApplicable(control, sight);
  }
  if (Why why = Blind(control.violations, sight))
    return Unknown(*std::move(why));
  auto rows = tables.Query(control.control.violations(), now, limits);
  if (!rows.ok()) return Failed("violations", rows.status());
  Why gap = First(control.violations, sight, &Sight::Gap);
  const bool failed = !rows->rows.empty();
  if (gap && (!failed || control.control.absence()))
    return Unknown(*std::move(gap));
  if (failed) return {v1::VERDICT_FAIL, {}, *std::move(rows)};
  return {v1::VERDICT_PASS, {}, {}};
}

}  // namespace metsuke
