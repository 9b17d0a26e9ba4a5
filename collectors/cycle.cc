#include "collectors/cycle.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <deque>

#include "collectors/audit_events.h"
#include "collectors/journal_events.h"
#include "collectors/outcome.h"
#include "collectors/recording.h"
#include "proto/canonical.h"

namespace metsuke {
namespace {

using Clock = Worker::Clock;

// Of each file of the journal the library keeps some MiB mapped, read-only.
constexpr size_t kJournalSpace = size_t{8} << 30;

// Recorders, where else there is the number of a table.
constexpr int kJournal = -1, kAuditLog = -2;

int NumberOf(const Collector& collector) {
  return TableField(collector.table)->number();
}

// The collectors dealt out to `jobs` children.
std::deque<Worker::Batch> Deal(const std::vector<const Collector*>& asked,
                               size_t jobs) {
  std::deque<Worker::Batch> batches(std::min(jobs, asked.size()));
  for (size_t i = 0; i < asked.size(); ++i)
    batches[i % batches.size()].push_back(asked[i]);
  return batches;
}

// Waits until one of `workers` has something to say or is too late.
void Wait(const std::deque<Worker>& workers) {
  std::vector<pollfd> waiting;
  auto until = Clock::time_point::max();
  for (const Worker& worker : workers) {
    waiting.push_back({worker.fd(), POLLIN, 0});
    until = std::min(until, worker.until());
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      until - Clock::now());
  poll(waiting.data(), waiting.size(),
       static_cast<int>(std::max<int64_t>(0, left.count())));
}

void AddTable(const google::protobuf::FieldDescriptor* field,
              std::string canonical, v1::Collected& collected) {
  v1::CollectedTable& table = *collected.add_tables();
  table.set_table(field->name());
  table.set_canonical(std::move(canonical));
}

}  // namespace

uint64_t TableBit(std::string_view table) {
  const auto* field = TableField(table);
  if (field == nullptr || field->number() > 63) return 0;
  return uint64_t{1} << field->number();
}

Cycle::Cycle(const Host& host, std::span<const Collector> collectors,
             CycleOptions options)
    : host_(host), collectors_(collectors), options_(options) {}

v1::Collected Cycle::Look(uint64_t mask) {
  std::erase_if(stuck_, [](const Stuck& stuck) {
    return waitpid(stuck.child, nullptr, WNOHANG) != 0;
  });
  std::vector<const Collector*> asked;
  for (const Collector& collector : collectors_) {
    if ((TableBit(collector.table) & mask) == 0) continue;
    if (IsStuck(collector))
      Keep(collector, Failed(absl::DeadlineExceededError(
                          "an earlier run still waits in the kernel")));
    else
      asked.push_back(&collector);
  }
  Run(asked);
  LeaveOutTheLargest();
  return Gather(mask);
}

bool Cycle::IsStuck(const Collector& collector) const {
  return std::ranges::find(stuck_, NumberOf(collector), &Stuck::table) !=
         stuck_.end();
}

void Cycle::Run(const std::vector<const Collector*>& asked) {
  if (!options_.in_process) return RunIsolated(asked);
  for (const Collector* collector : asked)
    Keep(*collector, RunIfChanged(*collector));
}

v1::Outcome Cycle::RunIfChanged(const Collector& collector) const {
  const auto last = last_.find(NumberOf(collector));
  if (last == last_.end()) return RunCollector(host_, collector);
  const v1::Recorded& earlier = last->second.recorded();
  if (!Reusable(last->second) || !host_.Unchanged(Recording(earlier)))
    return RunCollector(host_, collector, earlier);
  v1::Outcome same;
  same.set_unchanged(true);
  return same;
}

void Cycle::Keep(const Collector& collector, v1::Outcome outcome) {
  if (outcome.unchanged()) return;
  ++runs_;
  v1::Outcome& last = last_[NumberOf(collector)];
  // One that was cut off had no time to say what it remembers: that is what it
  // remembered before, or it would begin anew each time and never end.
  if (!outcome.has_recorded() && last.has_recorded())
    *outcome.mutable_recorded() = std::move(*last.mutable_recorded());
  last = std::move(outcome);
}

void Cycle::RunIsolated(const std::vector<const Collector*>& asked) {
  const auto last_start = Clock::now() + options_.budget;
  std::deque<Worker::Batch> batches = Deal(asked, options_.jobs);
  std::deque<Worker> workers;
  while (!batches.empty() || !workers.empty()) {
    while (!batches.empty() && workers.size() < options_.jobs) {
      Begin(std::move(batches.front()), last_start, workers);
      batches.pop_front();
    }
    if (!workers.empty()) Wait(workers);
    std::deque<Worker> still;
    for (Worker& worker : workers) {
      for (auto& [collector, outcome] : worker.Receive())
        Keep(*collector, std::move(outcome));
      const bool late =
          Clock::now() >= worker.until() || worker.began() > last_start;
      if (!worker.Ended() && !late) {
        still.push_back(std::move(worker));
        continue;
      }
      End(worker);
      if (!worker.Rest().empty()) batches.push_back(worker.Rest());
    }
    workers = std::move(still);
  }
}

// Runs what is no collector in a child.
v1::Outcome Cycle::RunAlone(int number, const Worker::Run& run) {
  static constexpr Collector kEvents{"events", nullptr};
  if (options_.in_process) return run(kEvents);
  std::erase_if(stuck_, [](const Stuck& stuck) {
    return waitpid(stuck.child, nullptr, WNOHANG) != 0;
  });
  if (std::ranges::find(stuck_, number, &Stuck::table) != stuck_.end())
    return Failed(
        absl::DeadlineExceededError("an earlier run still waits in the kernel"));
  WorkerLimits limits = options_.limits;
  limits.address_space = kJournalSpace;
  auto started = Worker::Start({&kEvents}, limits, run);
  if (!started.ok()) return Failed(started.status());
  std::deque<Worker> workers;
  workers.push_back(*std::move(started));
  Worker& worker = workers.front();
  std::vector<Worker::Answer> answers;
  while (answers.empty() && !worker.Ended() && Clock::now() < worker.until()) {
    Wait(workers);
    answers = worker.Receive();
  }
  if (auto answer = worker.Finish()) answers.push_back(*std::move(answer));
  if (worker.stuck() != 0) stuck_.push_back({worker.stuck(), number});
  return answers.empty() ? Failed(absl::InternalError("no answer"))
                         : std::move(answers.front().second);
}

v1::Heard Cycle::HearAlone(
    int number, const std::function<absl::StatusOr<v1::Heard>()>& hear) {
  v1::Outcome outcome = RunAlone(number, [&](const Collector&) {
    v1::Outcome answer;
    auto heard = hear();
    if (!heard.ok()) return Failed(heard.status());
    *answer.mutable_heard() = *std::move(heard);
    return answer;
  });
  if (outcome.has_heard()) return std::move(*outcome.mutable_heard());
  v1::Heard heard;
  heard.set_unread(outcome.message());
  return heard;
}

void Cycle::Hear(const EventPosition& from, int64_t now,
                 v1::Collected& collected) {
  *collected.mutable_heard() =
      HearAlone(kJournal, [&] { return HearJournal(host_, from.journal, now); });
  *collected.mutable_audit() =
      HearAlone(kAuditLog, [&] { return HearAudit(host_, from.audit, now); });
}

void Cycle::End(Worker& worker) {
  auto answer = worker.Finish();
  if (worker.stuck() != 0)
    stuck_.push_back({worker.stuck(), answer ? NumberOf(*answer->first) : 0});
  if (answer) Keep(*answer->first, std::move(answer->second));
}

void Cycle::Begin(Worker::Batch batch, Clock::time_point last_start,
                  std::deque<Worker>& workers) {
  absl::Status status;
  if (Clock::now() > last_start) {
    status = absl::DeadlineExceededError(
        fmt::format("not started: the other collectors took {} ms",
                    options_.budget.count()));
  } else {
    auto worker = Worker::Start(
        batch, options_.limits,
        [this](const Collector& collector) { return RunIfChanged(collector); });
    status = worker.status();
    if (worker.ok()) workers.push_back(*std::move(worker));
  }
  if (status.ok()) return;
  for (const Collector* collector : batch) Keep(*collector, Failed(status));
}

// A table that is left out takes its gaps with it: it is unknown as a whole.
void Cycle::LeaveOutTheLargest() {
  const auto size = [](const auto& entry) {
    return entry.second.canonical().size() + entry.second.gaps().size();
  };
  size_t all = 0;
  for (const auto& entry : last_) all += size(entry);
  while (all > options_.most_bytes) {
    const auto largest = std::ranges::max_element(last_, {}, size);
    all -= size(*largest);
    largest->second = Failed(absl::ResourceExhaustedError(fmt::format(
        "the tables of the host have more than {} bytes, and this is the "
        "largest",
        options_.most_bytes)));
  }
}

v1::Collected Cycle::Gather(uint64_t mask) const {
  const auto* schema = v1::Snapshot::descriptor();
  v1::Snapshot about;
  for (const auto& [number, outcome] : last_)
    Report(schema->FindFieldByNumber(number)->name(), outcome, about);
  v1::Collected collected, tables;
  for (int i = 0; i < schema->field_count(); ++i) {
    const auto* field = schema->field(i);
    if (field->name() == "collections" || field->name() == "gaps" ||
        FilledBy(field) != "metsuke-collect" ||
        (TableBit(field->name()) & mask) == 0)
      continue;
    const auto last = last_.find(field->number());
    if (last != last_.end()) {
      AddTable(field, last->second.canonical(), tables);
      continue;
    }
    Report(field->name(),
           Failed(absl::UnimplementedError("this build has no collector")),
           about);
    AddTable(field, "", tables);
  }
  for (const char* name : {"collections", "gaps"})
    AddTable(TableField(name), CanonicalTable(about, TableField(name)),
             collected);
  collected.MergeFrom(tables);
  return collected;
}

}  // namespace metsuke
