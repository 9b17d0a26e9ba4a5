// A few threads that run what must not be run where it became known.

#ifndef METSUKE_CONTROLLER_TASKS_H_
#define METSUKE_CONTROLLER_TASKS_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace metsuke {

class Tasks {
 public:
  explicit Tasks(int threads);
  // Runs what was added, then ends.
  ~Tasks();
  Tasks(const Tasks&) = delete;
  Tasks& operator=(const Tasks&) = delete;

  // Adds a task; any thread. It must not wait for another task.
  void Add(std::function<void()> task);

 private:
  void Loop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_
  bool stopping_ = false;                    // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_TASKS_H_
