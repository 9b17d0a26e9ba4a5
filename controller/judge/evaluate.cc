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
Why First(const std::set<std::string>& tables, const Sight& sight,
          Why (Sight::*ask)(const std::string&) const) {
  for (const std::string& table : tables)
    if (Why why = (sight.*ask)(table)) return why;
  return {};
}

Judgement NotApplicable(const CompiledControl& control, const Sight& sight) {
  const std::set<std::string>& tables = control.applies.tables;
  if (Why gap = First(tables, sight, &Sight::Gap)) return Unknown(*gap);
  Why why = First(tables, sight, &Sight::Absent);
  if (!why) why = HostText(std::string("the host has nothing it speaks of"));
  return {v1::VERDICT_NOT_APPLICABLE, *std::move(why), {}};
}

}  // namespace

std::set<std::string> CompiledControl::Tables() const {
  std::set<std::string> tables = applies.tables;
  tables.insert(violations.tables.begin(), violations.tables.end());
  return tables;
}

Judgement Evaluate(const CompiledControl& control, Tables& tables,
                   const Sight& sight, int64_t now, const QueryLimits& limits) {
  if (Why why = First(control.applies.tables, sight, &Sight::Unseen))
    return Unknown(*std::move(why));
  if (!control.control.applies().empty()) {
    const auto rows = tables.Query(control.control.applies(), now, limits);
    if (!rows.ok()) return Failed("applies", rows.status());
    if (rows->rows.empty()) return NotApplicable(control, sight);
  }
  // Only now: a control that does not apply needs nothing more.
  if (Why why = First(control.violations.tables, sight, &Sight::Unseen))
    return Unknown(*std::move(why));
  auto rows = tables.Query(control.control.violations(), now, limits);
  if (!rows.ok()) return Failed("violations", rows.status());
  Why gap = First(control.violations.tables, sight, &Sight::Gap);
  const bool failed = !rows->rows.empty();
  if (gap && (!failed || control.control.absence()))
    return Unknown(*std::move(gap));
  if (failed) return {v1::VERDICT_FAIL, {}, *std::move(rows)};
  return {v1::VERDICT_PASS, {}, {}};
}

}  // namespace metsuke
