// Results by key, bounded: the least recently used go first.

#ifndef METSUKE_CONTROLLER_MEMO_H_
#define METSUKE_CONTROLLER_MEMO_H_

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace metsuke {

// For any number of threads. Values are shared, as one that is thrown out may
// still be in somebody's hands.
template <typename Value>
class Memo {
 public:
  // Keeps values of at most `bytes` in sum.
  explicit Memo(size_t bytes) : bytes_(bytes) {}

  // The value; null when it is not there.
  std::shared_ptr<const Value> Find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->value;
  }

  // Keeps `value`, which takes `size` bytes. One that is there already stays.
  void Put(const std::string& key, std::shared_ptr<const Value> value,
           size_t size) {
    const std::lock_guard lock(mutex_);
    if (entries_.contains(key)) return;
    size += 2 * key.size() + kOverhead;
    recent_.push_front({key, std::move(value), size});
    entries_.emplace(key, recent_.begin());
    used_ += size;
    while (used_ > bytes_) {
      used_ -= recent_.back().size;
      entries_.erase(recent_.back().key);
      recent_.pop_back();
    }
  }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const Value> value;
    size_t size;
  };
  // Nodes of list and map and the block of the shared pointer.
  static constexpr size_t kOverhead = 200;

  const size_t bytes_;
  std::mutex mutex_;
  size_t used_ = 0;
  std::list<Entry> recent_;
  std::unordered_map<std::string, typename std::list<Entry>::iterator> entries_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_MEMO_H_
