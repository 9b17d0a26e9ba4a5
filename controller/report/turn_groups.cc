#include "controller/report/turn_groups.h"

#include <map>
#include <string>

namespace metsuke {
namespace {

// Whether others may have become unknown together with it. Of more hosts than
// have names in the report nobody knows whether they are the same.
bool MayBeOneOfMany(const v1::ReportTurn& turn) {
  return turn.after() == v1::VERDICT_UNKNOWN && !turn.reason().empty() &&
         turn.hosts().count() ==
             static_cast<uint32_t>(turn.hosts().names_size());
}

// What is the same for controls that became unknown together.
std::string WhatBlinds(const v1::ReportTurn& turn) {
  v1::ReportTurn same;
  same.set_before(turn.before());
  same.set_reason(turn.reason());
  *same.mutable_hosts() = turn.hosts();
  *same.mutable_causes() = turn.causes();
  return same.SerializeAsString();
}

}  // namespace

std::vector<TurnGroup> GroupTurns(const v1::Report& report,
                                  const std::set<v1::Verdict>& into) {
  std::vector<TurnGroup> groups;
  std::map<std::string, size_t> places;
  for (const v1::ReportTurn& turn : report.turns()) {
    if (!into.contains(turn.after())) continue;
    size_t place = groups.size();
    if (MayBeOneOfMany(turn))
      place = places.emplace(WhatBlinds(turn), place).first->second;
    if (place == groups.size()) groups.emplace_back();
    groups[place].push_back(&turn);
  }
  return groups;
}

}  // namespace metsuke
