#include "collectors/cycle.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <deque>

#include "collectors/outcome.h"
#include "collectors/recording.h"
#include "proto/canonical.h"

namespace metsuke {
namespace {

using Clock = Worker::Clock;

int NumberOf(const Collector& collector) {
  return TableField(collector.table)->number();
}

// The collectors dealt out to `jobs` children.
std::deque<Worker::Batch> Deal(const std::vector<const Collector*>& due,
                               size_t jobs) {
  std::deque<Worker::Batch> batches(std::min(jobs, due.size()));
  for (size_t i = 0; i < due.size(); ++i)
    batches[i % batches.size()].push_back(due[i]);
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
  std::vector<const Collector*> due;
  for (const Collector& collector : collectors_) {
    if ((TableBit(collector.table) & mask) == 0) continue;
    const auto last = last_.find(NumberOf(collector));
    if (last != last_.end() && Reusable(last->second) &&
        host_.Unchanged(Recording(last->second.recorded())))
      continue;
    due.push_back(&collector);
  }
  runs_ += due.size();
  Run(due);
  return Gather(mask);
}

void Cycle::Run(const std::vector<const Collector*>& due) {
  if (!options_.in_process) return RunIsolated(due);
  for (const Collector* collector : due)
    last_[NumberOf(*collector)] = RunCollector(host_, *collector);
}

void Cycle::RunIsolated(const std::vector<const Collector*>& due) {
  const auto last_start = Clock::now() + options_.budget;
  std::deque<Worker::Batch> batches = Deal(due, options_.jobs);
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
        last_[NumberOf(*collector)] = std::move(outcome);
      const bool late =
          Clock::now() >= worker.until() || worker.began() > last_start;
      if (!worker.Ended() && !late) {
        still.push_back(std::move(worker));
        continue;
      }
      if (auto answer = worker.Finish())
        last_[NumberOf(*answer->first)] = std::move(answer->second);
      if (!worker.Rest().empty()) batches.push_back(worker.Rest());
    }
    workers = std::move(still);
  }
}

void Cycle::Begin(Worker::Batch batch, Clock::time_point last_start,
                  std::deque<Worker>& workers) {
  absl::Status status;
  if (Clock::now() > last_start) {
    status = absl::DeadlineExceededError(
        fmt::format("not started: the other collectors took {} ms",
                    options_.budget.count()));
  } else {
    auto worker = Worker::Start(host_, batch, options_.limits);
    status = worker.status();
    if (worker.ok()) workers.push_back(*std::move(worker));
  }
  if (status.ok()) return;
  for (const Collector* collector : batch)
    last_[NumberOf(*collector)] = Failed(status);
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
