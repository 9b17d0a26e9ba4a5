#include "controller/judge/waivers.h"

#include <utility>

#include "proto/snapshot.pb.h"
#include "proto/status.h"

namespace metsuke {

bool InForce(const v1::Waiver& waiver, int64_t now) {
  return waiver.from() <= now && now < waiver.until();
}

bool EndsSoon(const v1::Waiver& waiver, int64_t now) {
  return InForce(waiver, now) && waiver.until() - now <= 14 * 86400;
}

Waivers::Waivers(const v1::Registers& rows, const CompiledBaseline& baseline,
                 int64_t now) {
  std::unordered_map<std::string, size_t> controls;
  for (size_t i = 0; i < baseline.controls.size(); ++i)
    controls[baseline.controls[i].control.id()] = i;
  for (const v1::Waiver& waiver : rows.waivers()) {
    const auto control = controls.find(waiver.control());
    auto selector = Selector::Parse(waiver.selector());
    if (!InForce(waiver, now) || control == controls.end() || !selector.ok())
      continue;
    // What names neither hosts nor labels must not come to mean all hosts.
    if (waiver.host().empty() && selector->empty()) continue;
    Entry entry{control->second, *std::move(selector), waiver};
    if (waiver.host().empty())
      by_labels_.push_back(std::move(entry));
    else
      by_host_[waiver.host()].push_back(std::move(entry));
  }
}

Waived Waivers::Cover(const JudgedState& state,
                      const std::vector<std::string>& labels,
                      const std::string& id) const {
  Waived waived;
  const auto add = [&](const Entry& entry) {
    const v1::Waiver*& known = waived[entry.control];
    if (known == nullptr || known->until() < entry.waiver.until())
      known = &entry.waiver;
  };
  const auto failed = [&](const Entry& entry) {
    return state.judgements[entry.control]->verdict == v1::VERDICT_FAIL;
  };
  for (const Entry& entry : by_labels_)
    if (failed(entry) && entry.selector.Matches(labels)) add(entry);
  if (const auto own = by_host_.find(id); own != by_host_.end())
    for (const Entry& entry : own->second)
      if (failed(entry)) add(entry);
  return waived;
}

absl::StatusOr<std::vector<std::string>> ReadLabels(const TableDigests& tables,
                                                    const BodySource& bodies) {
  std::vector<std::string> labels;
  const auto digest = tables.find("labels");
  if (digest == tables.end()) return labels;
  ASSIGN_OR_RETURN(const std::string bytes, ReadBody(bodies, digest->second));
  v1::Snapshot snapshot;
  if (!snapshot.ParseFromString(bytes))
    return absl::DataLossError("labels: the stored rows cannot be read");
  for (const v1::Label& label : snapshot.labels())
    labels.push_back(label.key() + "=" + label.value());
  return labels;
}

Score CountWaived(const CompiledBaseline& baseline, const JudgedState& state,
                  const Waived& waived) {
  if (waived.empty()) return state.score;
  std::vector<v1::Verdict> verdicts;
  for (const auto& judgement : state.judgements)
    verdicts.push_back(judgement->verdict);
  return Count(baseline, verdicts, waived);
}

}  // namespace metsuke
