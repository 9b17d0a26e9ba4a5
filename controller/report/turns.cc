#include "controller/report/turns.h"

#include <algorithm>
#include <utility>

namespace metsuke {
namespace {

constexpr size_t kMostRows = 20;

// Rows of the one that the other does not have, as messages that can be
// compared.
std::map<std::string, v1::Row> Beyond(const Rows& rows, const Rows& others) {
  std::map<std::string, v1::Row> beyond;
  for (const Row& row : rows.rows) {
    v1::Row message = ToRow(row);
    std::string key = message.SerializeAsString();
    beyond.emplace(std::move(key), std::move(message));
  }
  for (const Row& row : others.rows)
    beyond.erase(ToRow(row).SerializeAsString());
  return beyond;
}

// Whether something is wrong that was not. The first column says what it is;
// the others may only look otherwise, such as one with a date.
bool FailsForMore(const Judgement& before, const Judgement& after) {
  if (after.evidence.rows.size() + after.evidence.omitted >
      before.evidence.rows.size() + before.evidence.omitted)
    return true;
  std::set<Cell> known;
  for (const Row& row : before.evidence.rows)
    if (!row.empty()) known.insert(row[0]);
  return before.evidence.omitted == 0 &&
         std::ranges::any_of(after.evidence.rows, [&](const Row& row) {
           return !row.empty() && !known.contains(row[0]);
         });
}

// The rows that decide: what a failure is shown by, or was.
const Judgement& Shown(const Judgement& before, const Judgement& after) {
  return after.verdict == v1::VERDICT_FAIL ? after : before;
}

// The worst first.
int Gravity(v1::Verdict before, v1::Verdict after) {
  switch (after) {
    case v1::VERDICT_FAIL:
      return before == v1::VERDICT_FAIL ? 1 : 0;
    case v1::VERDICT_UNKNOWN:
      return 2;
    case v1::VERDICT_NOT_APPLICABLE:
      return 3;
    default:
      return 4;
  }
}

}  // namespace

void Turns::Add(const HostNumbers& hosts, const Stand& before,
                const Stand& after) {
  for (size_t i = 0; i < baseline_.controls.size(); ++i) {
    // What rests on the same is the same object.
    const auto &was = before.judged->judgements[i],
               &is = after.judged->judgements[i];
    const bool unwaived = is->verdict == v1::VERDICT_FAIL &&
                          before.waived.contains(i) &&
                          !after.waived.contains(i);
    if (was == is && !unwaived) continue;
    if (was->verdict == is->verdict && !unwaived &&
        (is->verdict != v1::VERDICT_FAIL || !FailsForMore(*was, *is)))
      continue;
    Turn& turn = turns_[{i, was->verdict, is->verdict}];
    turn.hosts.insert(turn.hosts.end(), hosts.begin(), hosts.end());
    if (after.waived.contains(i)) turn.waived += hosts.size();
    if (unwaived) turn.unwaived += hosts.size();
    if (turn.reason.empty()) turn.reason = is->reason.raw();
    const Judgement& shown = Shown(*was, *is);
    const bool gone = &shown == was.get();
    if (shown.verdict != v1::VERDICT_FAIL) continue;
    turn.columns = shown.evidence.columns;
    for (auto& [key, cells] :
         Beyond(shown.evidence, gone ? is->evidence : was->evidence))
      turn.rows.Add(std::move(cells), gone, hosts);
  }
}

void Turns::TellOne(const Key& key, const Turn& turn, const CauseTable& causes,
                    v1::ReportTurn& told) const {
  const auto& [number, before, after] = key;
  const CompiledControl& control = baseline_.controls[number];
  told.set_control(control.control.id());
  *told.mutable_statements() = control.control.statements();
  told.set_severity(control.control.severity());
  *told.mutable_title() = control.control.title();
  told.set_before(before);
  told.set_after(after);
  told.set_reason(turn.reason);
  SetHosts(fleet_.hosts, turn.hosts, *told.mutable_hosts());
  told.set_waived(turn.waived);
  told.set_unwaived(turn.unwaived);
  *told.mutable_columns() = {turn.columns.begin(), turn.columns.end()};
  told.set_rows_omitted(turn.rows.Tell(fleet_,
                                       EvidenceRows::Order::kCommonestFirst,
                                       kMostRows, *told.mutable_rows()));
  std::set<std::string> tables;
  for (const auto& [table, columns] : control.Decides()) tables.insert(table);
  for (v1::ReportCause& cause : causes.Of(tables, turn.hosts))
    *told.add_causes() = std::move(cause);
}

void Turns::Tell(const CauseTable& causes, v1::Report& report) const {
  std::vector<const std::pair<const Key, Turn>*> order;
  for (const auto& turn : turns_) order.push_back(&turn);
  std::ranges::stable_sort(order, {}, [&](const auto* turn) {
    const auto& [number, before, after] = turn->first;
    return std::pair(Gravity(before, after),
                     -baseline_.controls[number].control.severity());
  });
  for (const auto* turn : order)
    TellOne(turn->first, turn->second, causes, *report.add_turns());
}

}  // namespace metsuke
