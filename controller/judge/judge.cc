#include "controller/judge/judge.h"

#include <optional>

#include "proto/canonical.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr size_t kJudgementBytes = 256 << 20;
constexpr size_t kStateBytes = 128 << 20;
constexpr size_t kIdle = 4;

// Evidence is for people; who wants all rows asks with a query.
constexpr QueryLimits kLimits{.rows = 1000, .bytes = 1 << 20};

int64_t Midnight(int64_t now) { return now - (now % 86400 + 86400) % 86400; }

std::string StateKey(const TableDigests& tables, int64_t midnight) {
  std::string key = std::to_string(midnight);
  for (const auto& [table, digest] : tables) {
    ((key += '\0') += table) += '\0';
    key += digest;
  }
  return Sha256(key);
}

}  // namespace

absl::StatusOr<std::string> ReadBody(const BodySource& bodies,
                                     const std::string& digest) {
  static const std::string kEmpty = Sha256("");
  if (digest == kEmpty) return std::string();
  return bodies(digest);
}

// One state being judged.
class Judge::Session {
 public:
  Session(Judge& judge, const TableDigests& tables, int64_t midnight)
      : judge_(judge), tables_(tables), midnight_(midnight) {}
  ~Session() {
    if (database_) judge_.GiveTables(*std::move(database_));
  }

  absl::StatusOr<JudgedState> Run();
  // Whether the result may be remembered: every body could be had, and no
  // query was stopped by what another time would allow.
  bool whole() const { return whole_; }

 private:
  absl::Status ReadSight();
  std::string Key(const CompiledControl& control);
  absl::StatusOr<std::shared_ptr<const Judgement>> JudgeControl(
      const CompiledControl& control);
  absl::Status Load(const std::string& table);

  Judge& judge_;
  const TableDigests& tables_;
  const int64_t midnight_;
  bool whole_ = true;
  std::optional<Sight> sight_;
  // What a verdict depends on, by table.
  std::map<std::string, std::string> keys_;
  std::optional<Tables> database_;
};

// A state without these tables is one of which nothing was collected.
absl::Status Judge::Session::ReadSight() {
  v1::Snapshot snapshot;
  for (const char* table : {"collections", "gaps"}) {
    const auto digest = tables_.find(table);
    if (digest == tables_.end()) continue;
    ASSIGN_OR_RETURN(const std::string bytes,
                     ReadBody(judge_.bodies_, digest->second));
    if (!snapshot.MergeFromString(bytes))
      return absl::DataLossError("the stored rows cannot be read");
  }
  sight_.emplace(snapshot);
  return absl::OkStatus();
}

std::string Judge::Session::Key(const CompiledControl& control) {
  std::string key = control.digest;
  for (const std::string& table : control.Tables()) {
    std::string& part = keys_[table];
    if (part.empty()) {
      const auto digest = tables_.find(table);
      part = sight_->Digest(table) +
             (digest == tables_.end() ? "-" : digest->second);
    }
    key += part;
  }
  if (control.Time()) key += std::to_string(midnight_);
  return Sha256(key);
}

// Puts the host's rows of the table into the database.
absl::Status Judge::Session::Load(const std::string& table) {
  const auto digest = tables_.find(table);
  if (digest == tables_.end()) {
    if (!sight_->Unseen(table))
      return absl::NotFoundError("the host sent no rows of it");
    return database_->Load(table, "", "");
  }
  if (database_->Holds(table, digest->second)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string bytes,
                   ReadBody(judge_.bodies_, digest->second));
  return database_->Load(table, digest->second, bytes);
}

absl::StatusOr<std::shared_ptr<const Judgement>> Judge::Session::JudgeControl(
    const CompiledControl& control) {
  const std::string key = Key(control);
  if (auto known = judge_.judgements_.Find(key)) return known;
  if (!database_) {
    ASSIGN_OR_RETURN(database_, judge_.TakeTables());
  }
  for (const std::string& table : control.Tables())
    if (const absl::Status status = Load(table); !status.ok()) {
      whole_ = false;
      return std::make_shared<Judgement>(Judgement{
          v1::VERDICT_UNKNOWN, HostText(table + ": " + Message(status)), {}});
    }
  ++judge_.evaluations_;
  auto judgement = std::make_shared<const Judgement>(
      Evaluate(control, *database_, *sight_, midnight_, kLimits));
  if (judgement->passing)
    whole_ = false;
  else
    judge_.judgements_.Put(key, judgement,
                           sizeof(Judgement) + Size(judgement->evidence) +
                               judgement->reason.raw().size());
  return judgement;
}

absl::StatusOr<JudgedState> Judge::Session::Run() {
  JudgedState state;
  std::vector<v1::Verdict> verdicts;
  if (const absl::Status status = ReadSight(); !status.ok()) {
    whole_ = false;
    const auto blind = std::make_shared<const Judgement>(Judgement{
        v1::VERDICT_UNKNOWN, HostText("collections: " + Message(status)), {}});
    state.judgements.assign(judge_.baseline_.controls.size(), blind);
  } else {
    for (const CompiledControl& control : judge_.baseline_.controls) {
      ASSIGN_OR_RETURN(auto judgement, JudgeControl(control));
      state.judgements.push_back(std::move(judgement));
    }
  }
  for (const auto& judgement : state.judgements)
    verdicts.push_back(judgement->verdict);
  state.score = Count(judge_.baseline_, verdicts);
  return state;
}

Judge::Judge(CompiledBaseline baseline, BodySource bodies)
    : baseline_(std::move(baseline)),
      bodies_(std::move(bodies)),
      judgements_(kJudgementBytes),
      states_(kStateBytes) {}

absl::StatusOr<Tables> Judge::TakeTables() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      Tables tables = std::move(idle_.back());
      idle_.pop_back();
      return tables;
    }
  }
  return Tables::Open();
}

void Judge::GiveTables(Tables tables) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdle) idle_.push_back(std::move(tables));
}

absl::StatusOr<std::shared_ptr<const JudgedState>> Judge::State(
    const TableDigests& tables, int64_t now) {
  const int64_t midnight = Midnight(now);
  const std::string key = StateKey(tables, midnight);
  if (auto known = states_.Find(key)) return known;
  Session session(*this, tables, midnight);
  ASSIGN_OR_RETURN(JudgedState judged, session.Run());
  auto state = std::make_shared<const JudgedState>(std::move(judged));
  // Evidence counts here too: the state keeps it when it leaves the other memo.
  size_t size = sizeof(JudgedState);
  for (const auto& judgement : state->judgements)
    size += sizeof(judgement) + Size(judgement->evidence);
  if (session.whole()) states_.Put(key, state, size);
  return state;
}

}  // namespace metsuke
