#include "controller/page/control_sums.h"

#include <algorithm>
#include <utility>

namespace metsuke {
namespace {

// What a person reads; the rest is a command away.
constexpr size_t kMostRows = 12, kMostReasons = 8;

void Append(HostNumbers& hosts, const HostNumbers& more) {
  hosts.insert(hosts.end(), more.begin(), more.end());
}

}  // namespace

ControlSums::ControlSums(const CompiledBaseline& baseline,
                         const FleetChange& fleet)
    : baseline_(baseline), fleet_(fleet), sums_(baseline.controls.size()) {
  for (size_t i = 0; i < sums_.size(); ++i) {
    const v1::Control& control = baseline.controls[i].control;
    v1::Control& told = sums_[i].told.control;
    told.set_id(control.id());
    *told.mutable_statements() = control.statements();
    *told.mutable_title() = control.title();
    told.set_severity(control.severity());
    *told.mutable_why() = control.why();
    *told.mutable_fix() = control.fix();
  }
}

Outcome ControlSums::AddOne(const HostNumbers& hosts,
                            const Judgement& judgement, bool waived, Sum& sum) {
  const auto count = static_cast<uint32_t>(hosts.size());
  switch (judgement.verdict) {
    case v1::VERDICT_PASS:
      sum.told.pass += count;
      return Outcome::kPass;
    case v1::VERDICT_NOT_APPLICABLE:
      sum.told.not_applicable += count;
      return Outcome::kNotApplicable;
    case v1::VERDICT_FAIL:
      (waived ? sum.told.waived : sum.told.fail) += count;
      Append(sum.failing, hosts);
      sum.told.columns = judgement.evidence.columns;
      sum.omitted += judgement.evidence.omitted;
      for (const Row& row : judgement.evidence.rows)
        sum.rows.Add(ToRow(row), false, hosts);
      return waived ? Outcome::kWaived : Outcome::kFail;
    default:
      sum.told.unknown += count;
      Append(sum.reasons[judgement.reason.raw()], hosts);
      return Outcome::kUnknown;
  }
}

std::vector<Outcome> ControlSums::Add(const HostNumbers& hosts,
                                      const Stand* stand) {
  if (stand == nullptr) {
    for (Sum& sum : sums_)
      sum.told.unreported += static_cast<uint32_t>(hosts.size());
    return std::vector(sums_.size(), Outcome::kUnknown);
  }
  std::vector<Outcome> outcomes;
  outcomes.reserve(sums_.size());
  for (size_t i = 0; i < sums_.size(); ++i)
    outcomes.push_back(AddOne(hosts, *stand->judged->judgements[i],
                              stand->waived.contains(i), sums_[i]));
  return outcomes;
}

std::vector<PageControl> ControlSums::Tell() const {
  std::vector<PageControl> controls;
  for (const Sum& sum : sums_) {
    PageControl& told = controls.emplace_back(sum.told);
    SetHosts(fleet_.hosts, sum.failing, told.failing);
    told.rows_omitted =
        sum.rows.Tell(fleet_, EvidenceRows::Order::kCommonestFirst, kMostRows,
                      told.rows) +
        static_cast<uint32_t>(sum.omitted);
    for (const auto& [reason, hosts] : sum.reasons)
      SetHosts(fleet_.hosts, hosts,
               told.reasons.emplace_back(reason, v1::ReportHosts()).second);
    std::ranges::stable_sort(told.reasons, [](const auto& a, const auto& b) {
      return a.second.count() > b.second.count();
    });
    if (told.reasons.size() > kMostReasons) told.reasons.resize(kMostReasons);
  }
  return controls;
}

}  // namespace metsuke
