#include "controller/store/writer.h"

#include <algorithm>
#include <future>
#include <utility>

#include "proto/log.h"
#include "proto/message_ids.h"

namespace metsuke {
namespace {

// Jobs in one transaction.
constexpr size_t kBatch = 200;

// Pages of the log (4 KiB each) from which it is folded into the database:
// when nothing waits, and in any case.
constexpr int kIdleCheckpointPages = 1000;
constexpr int kBusyCheckpointPages = 10000;

}  // namespace

Writer::Writer(Database database) : database_(std::move(database)) {
  // Only counts: SQLite calls it after each commit, in place of its own
  // checkpoints.
  sqlite3_wal_hook(
      database_.handle(),
      [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<int*>(pages) = count;
        return SQLITE_OK;
      },
      &log_pages_);
  thread_ = std::thread([this] { Loop(); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Writer::Submit(Job job, Done done) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back({std::move(job), std::move(done)});
  }
  wake_.notify_one();
}

absl::Status Writer::Run(Job job) {
  std::promise<absl::Status> promise;
  std::future<absl::Status> result = promise.get_future();
  Submit(std::move(job),
         [&](absl::Status status) { promise.set_value(std::move(status)); });
  return result.get();
}

void Writer::Loop() {
  while (true) {
    std::vector<Task> batch;
    bool idle = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;  // stopping
      const size_t count = std::min(kBatch, tasks_.size());
      std::move(tasks_.begin(), tasks_.begin() + count,
                std::back_inserter(batch));
      tasks_.erase(tasks_.begin(), tasks_.begin() + count);
      idle = tasks_.empty();
    }
    Commit(batch);
    Checkpoint(idle);
  }
}

void Writer::Commit(std::vector<Task>& batch) {
  std::vector<absl::Status> results(batch.size());
  absl::Status status = RunBatch(batch, results);
  if (status.ok()) status = database_.Execute("COMMIT");
  if (!status.ok()) {
    // After some errors SQLite has rolled back by itself.
    if (!database_.autocommit()) (void)database_.Execute("ROLLBACK");
    LogNotice({kNothingStored}, Priority::kError,
              "nothing was stored: " + Message(status));
    for (absl::Status& result : results) result = status;
  }
  for (size_t i = 0; i < batch.size(); ++i)
    if (batch[i].done) batch[i].done(std::move(results[i]));
}

absl::Status Writer::RunBatch(std::vector<Task>& batch,
                              std::vector<absl::Status>& results) {
  RETURN_IF_ERROR(database_.Execute("BEGIN IMMEDIATE"));
  for (size_t i = 0; i < batch.size(); ++i)
    RETURN_IF_ERROR(RunOne(batch[i], results[i]));
  return absl::OkStatus();
}

absl::Status Writer::RunOne(Task& task, absl::Status& result) {
  RETURN_IF_ERROR(database_.Execute("SAVEPOINT job"));
  result = task.job(database_);
  // The database itself failed: no job of this transaction can be relied on.
  if (absl::IsResourceExhausted(result) || absl::IsUnavailable(result) ||
      absl::IsDataLoss(result) || database_.autocommit())
    return result.ok() ? absl::InternalError("transaction ended early")
                       : result;
  if (!result.ok()) RETURN_IF_ERROR(database_.Execute("ROLLBACK TO job"));
  return database_.Execute("RELEASE job");
}

void Writer::Checkpoint(bool idle) {
  if (log_pages_ < (idle ? kIdleCheckpointPages : kBusyCheckpointPages)) return;
  // Passive: readers are not waited for, and what they still need stays. A
  // failure loses nothing; the log only grows until the next one.
  const int code = sqlite3_wal_checkpoint_v2(
      database_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code == SQLITE_OK) {
    log_pages_ = 0;
  } else if (code != SQLITE_BUSY) {
    Log(Priority::kError,
        "checkpoint: " + Message(SqlError(database_.handle(), code)));
  }
}

}  // namespace metsuke
