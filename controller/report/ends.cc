#include "controller/report/ends.h"

#include "proto/status.h"

namespace metsuke {

absl::StatusOr<const Stand*> End::Of(const TableDigests& tables,
                                     const std::string& host) {
  if (verdicts_.IsApart(host)) {
    ASSIGN_OR_RETURN(apart_, Make(tables, host));
    return &apart_;
  }
  const auto known = known_.find(&tables);
  if (known != known_.end()) return &known->second;
  ASSIGN_OR_RETURN(Stand made, Make(tables, host));
  return &(known_[&tables] = std::move(made));
}

absl::StatusOr<Stand> End::Make(const TableDigests& tables,
                                const std::string& host) {
  Stand stand;
  ASSIGN_OR_RETURN(stand.judged, verdicts_.Judged(tables));
  stand.waived = verdicts_.WaivedOn(tables, *stand.judged, host);
  stand.score = CountWaived(verdicts_.baseline(), *stand.judged, stand.waived);
  return stand;
}

void FleetSum::Add(const Score& score) {
  sum_.set_hosts(sum_.hosts() + 1);
  sum_.set_unknown(sum_.unknown() + (score.unknown > 0));
  if (score.score >= 0) {
    ++scored_;
    sum_.set_score(sum_.score() + score.score);
    sum_.set_score_without_waivers(sum_.score_without_waivers() +
                                   score.without_waivers);
    sum_.set_coverage(sum_.coverage() + score.coverage);
  }
  switch (score.worst) {
    case v1::SEVERITY_CRITICAL:
      sum_.set_critical(sum_.critical() + 1);
      break;
    case v1::SEVERITY_HIGH:
      sum_.set_high(sum_.high() + 1);
      break;
    case v1::SEVERITY_MEDIUM:
      sum_.set_medium(sum_.medium() + 1);
      break;
    case v1::SEVERITY_LOW:
      sum_.set_low(sum_.low() + 1);
      break;
    default:
      break;
  }
}

void FleetSum::Tell(v1::ReportStanding& standing) const {
  standing = sum_;
  if (scored_ == 0) {
    standing.set_score(-1);
    standing.set_score_without_waivers(-1);
    return;
  }
  standing.set_score(sum_.score() / scored_);
  standing.set_score_without_waivers(sum_.score_without_waivers() / scored_);
  standing.set_coverage(sum_.coverage() / scored_);
}

}  // namespace metsuke
