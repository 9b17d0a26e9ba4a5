#include "controller/judge/judge.h"

#include <optional>

#include "absl/memory/memory.h"
#include "proto/canonical.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr size_t kJudgementBytes = 256 << 20;
constexpr size_t kStateBytes = 128 << 20;
constexpr size_t kLookBytes = 64 << 20;
constexpr size_t kIdle = 4;

// Evidence is for people; who wants all rows asks with a query.
constexpr QueryLimits kLimits{.rows = 1000, .bytes = 1 << 20};

int64_t Midnight(int64_t now) { return now - (now % 86400 + 86400) % 86400; }

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
  Session(Judge& judge, const Digests& tables, int64_t midnight)
      : judge_(judge),
        tables_(tables),
        midnight_(midnight),
        seen_(judge.views_.all().size()) {}
  ~Session() {
    if (database_) judge_.GiveTables(*std::move(database_));
  }

  absl::StatusOr<JudgedState> Run();
  // Whether the result may be remembered: every body could be had, and no
  // query was stopped by what another time would allow.
  bool whole() const { return whole_; }

 private:
  absl::Status ReadSight();
  absl::StatusOr<std::string> Body(const std::string& table);
  using Looks = std::shared_ptr<const std::vector<std::string>>;
  Looks Look(const std::string& table);
  const std::string& Seen(int view);
  std::string Key(const CompiledControl& control, const std::vector<int>& views);
  absl::StatusOr<std::shared_ptr<const Judgement>> JudgeControl(size_t control);
  absl::Status Load(const std::string& table);

  Judge& judge_;
  const Digests tables_;
  const int64_t midnight_;
  bool whole_ = true;
  std::optional<Sight> sight_;
  // Bodies that were read, by table.
  std::map<std::string, std::string> bodies_;
  // What a verdict depends on, by view; empty while nobody asked.
  std::vector<std::string> seen_;
  std::optional<Tables> database_;
};

// A state without these tables is one of which nothing was collected.
absl::Status Judge::Session::ReadSight() {
  v1::Snapshot snapshot;
  for (const char* table : kSightTables) {
    const std::string* digest = tables_.Find(table);
    if (digest == nullptr) continue;
    ASSIGN_OR_RETURN(const std::string bytes,
                     ReadBody(judge_.bodies_, *digest));
    if (!snapshot.MergeFromString(bytes))
      return absl::DataLossError("the stored rows cannot be read");
  }
  sight_.emplace(snapshot, tables_);
  return absl::OkStatus();
}

// The bytes of a table that the state has.
absl::StatusOr<std::string> Judge::Session::Body(const std::string& table) {
  if (const auto found = bodies_.find(table); found != bodies_.end())
    return found->second;
  ASSIGN_OR_RETURN(std::string bytes,
                   ReadBody(judge_.bodies_, *tables_.Find(table)));
  return bodies_[table] = std::move(bytes);
}

// What the state's rows of the table look like in each of its views.
Judge::Session::Looks Judge::Session::Look(const std::string& table) {
  const size_t views = judge_.views_.Of(table).size();
  const auto all = [&](const std::string& look) {
    return std::make_shared<const std::vector<std::string>>(views, look);
  };
  const std::string* digest = tables_.Find(table);
  if (digest == nullptr) return all("-");
  const std::string key = table + ' ' + *digest;
  if (Looks known = judge_.looks_.Find(key)) return known;
  const auto bytes = Body(table);
  // It cannot be loaded either, and then nothing of this is remembered.
  if (!bytes.ok()) return all(*digest);
  Looks look = std::make_shared<const std::vector<std::string>>(
      judge_.views_.Digests(table, *digest, *bytes));
  judge_.looks_.Put(key, look, views * (sizeof(std::string) + 33));
  return look;
}

const std::string& Judge::Session::Seen(int view) {
  if (!seen_[view].empty()) return seen_[view];
  const std::string& table = judge_.views_.all()[view].table;
  const Looks look = Look(table);
  for (size_t i = 0; i < look->size(); ++i) {
    const int number = judge_.views_.Of(table)[i];
    const std::string sight =
        sight_->Digest(table, judge_.views_.all()[number].columns);
    // Its length first, so that parts put together read in one way only.
    seen_[number] = static_cast<char>(sight.size()) + sight + (*look)[i];
  }
  return seen_[view];
}

std::string Judge::Session::Key(const CompiledControl& control,
                                const std::vector<int>& views) {
  std::string key = control.digest;
  for (const int view : views) {
    const std::string& seen = Seen(view);
    (key += static_cast<char>(seen.size())) += seen;
  }
  if (control.Time()) key += std::to_string(midnight_);
  return Sha256(key);
}

// Puts the host's rows of the table into the database.
absl::Status Judge::Session::Load(const std::string& table) {
  const std::string* digest = tables_.Find(table);
  if (digest == nullptr) {
    if (!sight_->Unseen(table))
      return absl::NotFoundError("the host sent no rows of it");
    return database_->Load(table, "", "");
  }
  if (database_->Holds(table, *digest)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string bytes, Body(table));
  return database_->Load(table, *digest, bytes);
}

absl::StatusOr<std::shared_ptr<const Judgement>> Judge::Session::JudgeControl(
    size_t number) {
  const CompiledControl& control = judge_.baseline_.controls[number];
  const Sees& sees = judge_.sees_[number];
  // What found nothing to show is kept under what it decided by.
  const std::string decided = 'd' + Key(control, sees.decides);
  if (auto known = judge_.judgements_.Find(decided)) return known;
  const std::string read = 'r' + Key(control, sees.reads);
  if (auto known = judge_.judgements_.Find(read)) return known;
  if (!database_) {
    ASSIGN_OR_RETURN(database_, judge_.TakeTables());
  }
  for (const int view : sees.reads) {
    const std::string& table = judge_.views_.all()[view].table;
    if (const absl::Status status = Load(table); !status.ok()) {
      whole_ = false;
      return std::make_shared<Judgement>(Judgement{
          v1::VERDICT_UNKNOWN, HostText(table + ": " + Message(status)), {}});
    }
  }
  ++judge_.evaluations_;
  auto judgement = std::make_shared<const Judgement>(
      Evaluate(control, *database_, *sight_, midnight_, kLimits));
  const bool shows_nothing = judgement->verdict == v1::VERDICT_PASS ||
                             judgement->verdict == v1::VERDICT_NOT_APPLICABLE;
  if (judgement->passing)
    whole_ = false;
  else
    judge_.judgements_.Put(shows_nothing ? decided : read, judgement,
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
    for (size_t i = 0; i < judge_.baseline_.controls.size(); ++i) {
      ASSIGN_OR_RETURN(auto judgement, JudgeControl(i));
      state.judgements.push_back(std::move(judgement));
    }
  }
  for (const auto& judgement : state.judgements)
    verdicts.push_back(judgement->verdict);
  state.score = Count(judge_.baseline_, verdicts, {});
  return state;
}

Judge::Judge(CompiledBaseline baseline, BodySource bodies)
    : Judge(std::move(baseline), std::move(bodies), 1) {
  // Their results are few and short.
  constexpr size_t kPart = 8;
  const auto judge = [this](const std::vector<CompiledControl>& rules) {
    CompiledBaseline baseline;
    baseline.controls = rules;
    return absl::WrapUnique(new Judge(std::move(baseline), bodies_, kPart));
  };
  coming_ = judge(baseline_.coming);
  stale_ = judge(baseline_.stale);
}

Judge::Judge(CompiledBaseline baseline, BodySource bodies, size_t part)
    : baseline_(std::move(baseline)),
      bodies_(std::move(bodies)),
      looks_(kLookBytes / part),
      judgements_(kJudgementBytes / part),
      states_(kStateBytes / part) {
  for (const CompiledControl& control : baseline_.controls) {
    Sees& sees = sees_.emplace_back();
    for (auto& [table, columns] : control.Decides())
      sees.decides.push_back(views_.Add({table, columns}));
    for (auto& [table, columns] : control.Reads())
      sees.reads.push_back(views_.Add({table, columns}));
  }
  rests_on_.insert(std::begin(kSightTables), std::end(kSightTables));
  for (const View& view : views_.all()) rests_on_.insert(view.table);
}

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

// Only what a control reads counts, so that a waiver that is given does not have
// every state judged again, nor a rule that reads two tables each host's.
std::string Judge::StateKey(const Digests& tables, int64_t midnight) const {
  std::string key = std::to_string(midnight);
  key.reserve(key.size() + 40 * rests_on_.size());
  // Both are in the order of the names: this is asked for each host of a fleet.
  auto host = tables.host().begin();
  for (const std::string& table : rests_on_) {
    while (host != tables.host().end() && host->first < table) ++host;
    const bool has = host != tables.host().end() && host->first == table;
    const std::string* digest = has ? &host->second : tables.Find(table);
    if (digest == nullptr) {
      key += '\0';
      continue;
    }
    key += static_cast<char>(digest->size());
    key += *digest;
  }
  return Sha256(key);
}

absl::StatusOr<std::shared_ptr<const JudgedState>> Judge::State(
    const Digests& tables, int64_t now) {
  const int64_t midnight = Midnight(now);
  const std::string key = StateKey(tables, midnight);
  if (auto known = states_.Find(key)) return known;
  Session session(*this, tables, midnight);
  ASSIGN_OR_RETURN(JudgedState judged, session.Run());
  auto state = std::make_shared<const JudgedState>(std::move(judged));
  // Evidence counts here too, as the state keeps it when it leaves the other
  // memo; each of those who have it bears a part.
  size_t size = sizeof(JudgedState);
  for (const auto& judgement : state->judgements)
    size += sizeof(judgement) +
            Size(judgement->evidence) / judgement.use_count();
  if (session.whole()) states_.Put(key, state, size);
  return state;
}

}  // namespace metsuke
