// The one thread that writes. Whatever waits when it is free goes into one
// transaction (group commit): a sync to disk costs about the same for one
// record and for two hundred.

#ifndef METSUKE_CONTROLLER_STORE_WRITER_H_
#define METSUKE_CONTROLLER_STORE_WRITER_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "controller/store/sql.h"

namespace metsuke {

class Writer {
 public:
  // Changes the database inside a transaction that is open; what a failed job
  // changed is undone and the others' changes stand.
  using Job = std::function<absl::Status(Database&)>;
  // Called on the writing thread once the transaction is on disk, with what
  // the job returned, or with why the transaction failed.
  using Done = std::function<void(absl::Status)>;

  explicit Writer(Database database);
  // Writes what waits, then folds the log into the database.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Queues a job; any thread. Jobs run in the order of these calls.
  void Submit(Job job, Done done);
  // Queues a job and waits for it; any thread but the writing one.
  absl::Status Run(Job job);

 private:
  struct Task {
    Job job;
    Done done;
  };
  void Loop();
  void Commit(std::vector<Task>& batch);
  absl::Status RunBatch(std::vector<Task>& batch,
                        std::vector<absl::Status>& results);
  absl::Status RunOne(Task& task, absl::Status& result);
  void Checkpoint(bool idle);

  Database database_;
  int log_pages_ = 0;  // in the log, as SQLite last told
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;  // guarded by mutex_
  bool stopping_ = false;   // guarded by mutex_
  std::thread thread_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_WRITER_H_
