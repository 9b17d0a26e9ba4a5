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

// A child at work and the table it is to fill.
struct Job {
  int table;
  Worker worker;
};

// Waits until one of `jobs` has something to say or is too late.
void Wait(const std::deque<Job>& jobs) {
  std::vector<pollfd> waiting;
  auto until = Clock::time_point::max();
  for (const Job& job : jobs) {
    waiting.push_back({job.worker.fd(), POLLIN, 0});
    until = std::min(until, job.worker.until());
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
    const auto last = last_.find(TableField(collector.table)->number());
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
    last_[TableField(collector->table)->number()] =
        RunCollector(host_, *collector);
}

void Cycle::RunIsolated(const std::vector<const Collector*>& due) {
  const auto last_start = Clock::now() + options_.budget;
  std::deque<const Collector*> todo(due.begin(), due.end());
  std::deque<Job> jobs;
  while (!todo.empty() || !jobs.empty()) {
    while (!todo.empty() && jobs.size() < options_.jobs) {
      const Collector& collector = *todo.front();
      todo.pop_front();
      const int table = TableField(collector.table)->number();
      if (Clock::now() > last_start) {
        last_[table] = Failed(absl::DeadlineExceededError(fmt::format(
            "not started: the other collectors took {} ms",
            options_.budget.count())));
        continue;
      }
      auto worker = Worker::Start(host_, collector, options_.limits);
      if (worker.ok())
        jobs.push_back({table, *std::move(worker)});
      else
        last_[table] = Failed(worker.status());
    }
    if (!jobs.empty()) Wait(jobs);
    std::deque<Job> still;
    for (Job& job : jobs)
      if (job.worker.Receive() || Clock::now() >= job.worker.until())
        last_[job.table] = job.worker.Finish();
      else
        still.push_back(std::move(job));
    jobs = std::move(still);
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
