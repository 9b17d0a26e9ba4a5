#include "controller/report/report.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "controller/drift/state_drift.h"
#include "controller/judge/sight.h"
#include "controller/memo.h"
#include "controller/report/cause_table.h"
#include "controller/report/decisions.h"
#include "controller/report/ends.h"
#include "controller/report/findings.h"
#include "controller/report/fleet_change.h"
#include "controller/report/reaches.h"
#include "controller/report/row_changes.h"
#include "controller/report/rules.h"
#include "controller/report/turns.h"
#include "controller/report/unseen.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr size_t kMostScores = 40;
constexpr size_t kReadBytes = 16 << 20;

class Maker {
 public:
  Maker(const ReportSources& sources, const ReportQuestion& question,
        FleetChange fleet)
      : sources_(sources),
        question_(question),
        fleet_(std::move(fleet)),
        bodies_([this](const std::string& digest) { return Body(digest); }),
        tables_(bodies_),
        rows_(Rules(), fleet_),
        reaches_(fleet_),
        unseen_(fleet_, bodies_, question.from, question.to, sources.interval),
        causes_(sources.store, question.to, sources.interval,
                Rules().causes()) {}

  absl::StatusOr<MadeReport> Run();

 private:
  const v1::Baseline& Rules() const {
    static const v1::Baseline kNone;
    return sources_.judge == nullptr ? kNone
                                     : sources_.judge->baseline().report;
  }

  absl::StatusOr<std::string> Body(const std::string& digest);
  absl::Status Judge();
  absl::Status AddPair(size_t pair);
  absl::Status AddTables(size_t pair, DifferingRows& differing);
  absl::Status AddTurns(const StatePair& pair);
  absl::Status AddSights();
  void AddMoves();
  void AddScore(const ReportHost& host, const Stand& before,
                const Stand& after);
  void TellScores();
  absl::StatusOr<MadeReport> Finish();

  const ReportSources& sources_;
  const ReportQuestion& question_;
  const FleetChange fleet_;
  Memo<std::string> read_{kReadBytes};
  const BodySource bodies_;
  TableDrift tables_;
  RowChanges rows_;
  Reaches reaches_;
  Unseen unseen_;
  CauseTable causes_;
  std::shared_ptr<const RegisterRows> kept_before_, kept_after_;
  std::optional<End> before_, after_;
  std::optional<Turns> turns_;
  std::optional<Findings> findings_;
  std::vector<v1::ReportScore> scores_;
  v1::Report report_;
};

absl::StatusOr<MadeReport> Maker::Run() {
  report_.set_day(question_.day);
  report_.set_from(question_.from);
  report_.set_to(question_.to);
  report_.set_selector(question_.hosts.selector);
  report_.set_host(question_.hosts.host);
  ASSIGN_OR_RETURN(kept_before_, sources_.registers.At(question_.from));
  ASSIGN_OR_RETURN(kept_after_, sources_.registers.At(question_.to));
  if (sources_.judge != nullptr) {
    const CompiledBaseline& baseline = sources_.judge->baseline();
    report_.set_baseline(baseline.version);
    before_.emplace(*sources_.judge, bodies_, *kept_before_, question_.from);
    after_.emplace(*sources_.judge, bodies_, *kept_after_, question_.to);
    turns_.emplace(baseline, fleet_);
    ASSIGN_OR_RETURN(Findings findings,
                     Findings::Read(sources_.store, baseline, fleet_,
                                    question_.last_night, question_.to));
    findings_.emplace(std::move(findings));
  }
  RETURN_IF_ERROR(Judge());
  for (size_t pair = 0; pair < fleet_.pairs.size(); ++pair)
    RETURN_IF_ERROR(AddPair(pair));
  RETURN_IF_ERROR(AddSights());
  AddMoves();
  return Finish();
}

// What many hosts share, such as what their collectors said, is read for each
// of them.
absl::StatusOr<std::string> Maker::Body(const std::string& digest) {
  if (const auto read = read_.Find(digest)) return *read;
  ASSIGN_OR_RETURN(std::string body, sources_.store.Body(digest));
  read_.Put(digest, std::make_shared<const std::string>(body), body.size());
  return body;
}

// Holds all hosts against the baseline at both ends.
absl::Status Maker::Judge() {
  FleetSum before, after;
  Score none;
  if (sources_.judge != nullptr) {
    const CompiledBaseline& baseline = sources_.judge->baseline();
    none = Count(
        baseline,
        std::vector<v1::Verdict>(baseline.controls.size(), v1::VERDICT_UNKNOWN),
        {});
  }
  for (uint32_t i = 0; i < fleet_.hosts.size(); ++i) {
    const ReportHost& host = fleet_.hosts[i];
    Score was = none, is = none;
    std::optional<Stand> stood;
    if (before_ && host.before != nullptr) {
      ASSIGN_OR_RETURN(const Stand* stand, before_->Of(*host.before, host.id));
      stood = *stand;
      was = stand->score;
    }
    if (after_ && host.after != nullptr) {
      ASSIGN_OR_RETURN(const Stand* stand, after_->Of(*host.after, host.id));
      is = stand->score;
      RETURN_IF_ERROR(findings_->Add(i, stood ? &*stood : nullptr, *stand));
      if (stood)
        AddScore(host, *stood, *stand);
      else
        report_.set_joined_worst(std::max(report_.joined_worst(), is.worst));
    }
    if (host.was) before.Add(was);
    if (host.is) after.Add(is);
    if (host.is) unseen_.AddHost(i);
  }
  before.Tell(*report_.mutable_before());
  after.Tell(*report_.mutable_after());
  return absl::OkStatus();
}

void Maker::AddScore(const ReportHost& host, const Stand& before,
                     const Stand& after) {
  if (before.score.score < 0 || after.score.score < 0 ||
      before.score.score == after.score.score)
    return;
  v1::ReportScore& score = scores_.emplace_back();
  score.set_host(host.name);
  score.set_before(before.score.score);
  score.set_after(after.score.score);
}

// What changed in the tables and the verdicts of hosts that changed alike.
absl::Status Maker::AddPair(size_t number) {
  const StatePair& pair = fleet_.pairs[number];
  DifferingRows differing;
  if (pair.before != pair.after) RETURN_IF_ERROR(AddTables(number, differing));
  RETURN_IF_ERROR(AddTurns(pair));
  if (differing.empty()) return absl::OkStatus();
  for (const uint32_t host : pair.hosts)
    RETURN_IF_ERROR(causes_.Add(host, fleet_.hosts[host], differing));
  return absl::OkStatus();
}

absl::Status Maker::AddTables(size_t number, DifferingRows& differing) {
  const StatePair& pair = fleet_.pairs[number];
  for (const std::string& table : DifferingTables(*pair.before, *pair.after)) {
    // What could not be seen is told in a place of its own.
    if (std::ranges::find(kSightTables, table) != std::end(kSightTables))
      continue;
    const auto changes = tables_.Between(table, *pair.before, *pair.after);
    if (changes.ok())
      rows_.Add(number, table, **changes, differing);
    else
      RETURN_IF_ERROR(unseen_.AddDamage(changes.status(), table, pair.hosts));
  }
  const absl::Status logs = reaches_.Add(bodies_, pair, question_.to);
  return logs.ok() ? logs : unseen_.AddDamage(logs, "log_sources", pair.hosts);
}

absl::Status Maker::AddTurns(const StatePair& pair) {
  if (!turns_) return absl::OkStatus();
  HostNumbers alike;
  const auto add = [&](const HostNumbers& hosts) -> absl::Status {
    if (hosts.empty()) return absl::OkStatus();
    const std::string& id = fleet_.hosts[hosts[0]].id;
    ASSIGN_OR_RETURN(const Stand* stand, before_->Of(*pair.before, id));
    const Stand before = *stand;
    ASSIGN_OR_RETURN(const Stand* after, after_->Of(*pair.after, id));
    turns_->Add(hosts, before, *after);
    return absl::OkStatus();
  };
  for (const uint32_t host : pair.hosts) {
    const std::string& id = fleet_.hosts[host].id;
    if (before_->IsApart(id) || after_->IsApart(id))
      RETURN_IF_ERROR(add({host}));
    else
      alike.push_back(host);
  }
  return add(alike);
}

// What the collectors and the rules of the baseline say of each state, and of
// what it was before.
absl::Status Maker::AddSights() {
  std::map<const TableDigests*, HostNumbers> states;
  // Hosts that differ otherwise mostly see the same.
  std::map<std::string, StatePair> sights;
  for (uint32_t i = 0; i < fleet_.hosts.size(); ++i) {
    const ReportHost& host = fleet_.hosts[i];
    if (host.after == nullptr) continue;
    if (HasReported(host)) states[host.after].push_back(i);
    const std::string was =
        host.before == nullptr ? "" : Unseen::SightOf(*host.before);
    StatePair& sight = sights[was + '>' + Unseen::SightOf(*host.after)];
    sight.before = host.before;
    sight.after = host.after;
    sight.hosts.push_back(i);
  }
  for (const auto& [key, sight] : sights)
    RETURN_IF_ERROR(unseen_.AddSight(sight.before, *sight.after, sight.hosts));
  ASSIGN_OR_RETURN(const auto losses,
                   sources_.store.Losses(question_.from, question_.to));
  unseen_.AddLosses(losses);
  if (sources_.judge == nullptr) return absl::OkStatus();
  RuleRows coming(sources_.judge->coming(), *kept_after_, question_.to);
  RuleRows stale(sources_.judge->stale(), *kept_after_, question_.to);
  // In the order of the hosts, so that the same data make the same report.
  std::vector<std::pair<HostNumbers, const TableDigests*>> order;
  for (auto& [tables, hosts] : states) order.emplace_back(hosts, tables);
  std::ranges::sort(order);
  for (const auto& [hosts, tables] : order) {
    RETURN_IF_ERROR(coming.Add(*tables, hosts));
    RETURN_IF_ERROR(stale.Add(*tables, hosts));
  }
  coming.Tell(fleet_, report_);
  stale.ForEach([this](const v1::Control& rule, const HostNumbers& hosts) {
    unseen_.AddStale(rule, hosts);
  });
  for (const RuleRows* rules : {&coming, &stale})
    RETURN_IF_ERROR(rules->TellUnasked(fleet_, *kept_before_, question_.from,
                                       unseen_));
  return absl::OkStatus();
}

void Maker::AddMoves() {
  HostNumbers joined, removed;
  for (uint32_t i = 0; i < fleet_.hosts.size(); ++i) {
    const ReportHost& host = fleet_.hosts[i];
    if (!host.is)
      removed.push_back(i);
    else if (!host.was || (host.before == nullptr && host.after != nullptr))
      joined.push_back(i);
  }
  SetHosts(fleet_.hosts, joined, *report_.mutable_joined());
  SetHosts(fleet_.hosts, removed, *report_.mutable_removed());
}

// The greatest loss first, the greatest gain last.
void Maker::TellScores() {
  std::ranges::stable_sort(scores_, {}, [](const v1::ReportScore& score) {
    return score.after() - score.before();
  });
  const size_t count = scores_.size();
  for (size_t i = 0; i < count; ++i)
    if (i < kMostScores / 2 || i + kMostScores / 2 >= count)
      *report_.add_scores() = scores_[i];
    else
      report_.set_scores_omitted(report_.scores_omitted() + 1);
}

absl::StatusOr<MadeReport> Maker::Finish() {
  unseen_.Tell(report_);
  if (turns_) turns_->Tell(causes_, report_);
  rows_.Tell(causes_, report_);
  TellScores();
  reaches_.Tell(report_);
  // A waiver of hosts that are yet to come is told with the whole fleet.
  const bool whole =
      question_.hosts.selector.empty() && question_.hosts.host.empty();
  const Concerns concerns =
      whole ? [](const auto&) { return true; } : ConcernsOf(fleet_);
  TellEnding(kept_after_->rows, question_.from, question_.to, concerns,
             report_);
  RETURN_IF_ERROR(TellDecisions(sources_.store, question_.from, question_.to,
                                concerns, report_));
  if (findings_) findings_->Tell(report_);
  MadeReport made;
  if (findings_) {
    made.closed = findings_->Closed();
    made.opened = findings_->TakeOpened();
  }
  made.report = std::move(report_);
  return made;
}

}  // namespace

absl::StatusOr<MadeReport> MakeReport(const ReportSources& sources,
                                      const ReportQuestion& question) {
  if (question.from >= question.to)
    return absl::InvalidArgumentError(
        "a report must begin before it ends; give an earlier beginning or a "
        "later end");
  ASSIGN_OR_RETURN(FleetChange fleet,
                   ReadFleetChange(sources.store, question.hosts, question.from,
                                   question.to, question.behind));
  return Maker(sources, question, std::move(fleet)).Run();
}

std::string ReportBytes(const v1::Report& report) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    report.SerializeToCodedStream(&out);
  }
  return bytes;
}

v1::ReportEntry EntryOf(const v1::Report& report) {
  v1::ReportEntry entry;
  entry.set_day(report.day());
  entry.set_from(report.from());
  entry.set_to(report.to());
  entry.set_hosts(report.after().hosts());
  entry.set_score(report.after().score());
  for (const v1::ReportTurn& turn : report.turns()) {
    if (turn.after() == v1::VERDICT_FAIL)
      entry.set_worse(entry.worse() + turn.hosts().count());
    else if (turn.after() == v1::VERDICT_PASS)
      entry.set_better(entry.better() + turn.hosts().count());
  }
  entry.set_unseen(report.unseen_hosts());
  return entry;
}

}  // namespace metsuke
