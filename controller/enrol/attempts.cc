#include "controller/enrol/attempts.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace metsuke {
namespace {

constexpr std::chrono::minutes kWindow{1};
constexpr size_t kMost = 4096;

}  // namespace

Attempts::Verdict Attempts::Enter(const std::string& address, Time now,
                                  Time until) {
  std::unique_lock<std::mutex> lock(mutex_);
  const std::string network = NetworkOf(address);
  if (counts_.size() >= kMost && !counts_.contains(network)) Forget(now);
  Count& count = counts_[network];
  if (now - count.since >= kWindow) {
    count.since = now;
    count.failed = 0;
    count.told = false;
  }
  const Verdict verdict = Judge(count, until, lock);
  if (verdict == Verdict::kWelcome)
    ++count.under_way;
  else if (std::exchange(count.told, true))
    return Verdict::kRefusedAgain;
  return verdict;
}

Attempts::Verdict Attempts::Judge(Count& count, Time until,
                                  std::unique_lock<std::mutex>& lock) {
  if (count.under_way + count.waiting >= at_once_)
    return Verdict::kTooManyAtOnce;
  ++count.waiting;
  const bool known = left_.wait_until(lock, until, [&] {
    return count.failed >= per_minute_ ||
           count.failed + count.under_way < per_minute_;
  });
  --count.waiting;
  if (!known) return Verdict::kTooManyAtOnce;
  return count.failed < per_minute_ ? Verdict::kWelcome
                                    : Verdict::kFailedTooOften;
}

void Attempts::Leave(const std::string& address, bool failed) {
  const std::lock_guard<std::mutex> guard(mutex_);
  const auto found = counts_.find(NetworkOf(address));
  Count& count = found->second;
  --count.under_way;
  if (failed) ++count.failed;
  if (count.failed + count.under_way + count.waiting == 0 && !count.told)
    counts_.erase(found);
  left_.notify_all();
}

// Forgets whose minute is over, or else whose is the oldest. Never those who
// are here: they are fewer than the threads that serve them.
void Attempts::Forget(Time now) {
  const auto idle = [](const Count& count) {
    return count.under_way + count.waiting == 0;
  };
  std::erase_if(counts_, [&](const auto& entry) {
    return idle(entry.second) && now - entry.second.since >= kWindow;
  });
  if (counts_.size() < kMost) return;
  counts_.erase(std::min_element(
      counts_.begin(), counts_.end(), [&](const auto& a, const auto& b) {
        return std::tuple(!idle(a.second), a.second.since) <
               std::tuple(!idle(b.second), b.second.since);
      }));
}

std::string NetworkOf(const std::string& address) {
  in6_addr bytes{};
  const std::string bare = address.substr(0, address.find('%'));
  if (inet_pton(AF_INET6, bare.c_str(), &bytes) != 1) return address;
  return std::string(reinterpret_cast<const char*>(bytes.s6_addr), 8);
}

}  // namespace metsuke
