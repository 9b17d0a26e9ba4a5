// Counts failed attempts by address, so that one address cannot try on and on.

#ifndef METSUKE_CONTROLLER_ENROL_ATTEMPTS_H_
#define METSUKE_CONTROLLER_ENROL_ATTEMPTS_H_

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

namespace metsuke {

// Safe for many threads. Remembers 4096 addresses at most; what is no longer
// of use is forgotten first.
class Attempts {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `per_minute` attempts of one address may fail in a minute, and `at_once` of
  // them be under way or wait.
  Attempts(int per_minute, int at_once)
      : per_minute_(per_minute), at_once_(at_once) {}

  // kRefusedAgain stands for a refusal of which the minute has seen one before,
  // so that a flood makes one line of log and not a flood of them.
  enum class Verdict { kWelcome, kFailedTooOften, kTooManyAtOnce, kRefusedAgain };

  // Whether `address` may try at `now`; if so, Leave must be called. As long as
  // those that are under way could use up the failures that are left, it waits
  // to see what becomes of them, at most until `until`: however many come at
  // once, no more of them fail than one after the other would.
  Verdict Enter(const std::string& address, Time now, Time until);

  // An attempt of `address` is over.
  void Leave(const std::string& address, bool failed);

 private:
  struct Count {
    Time since;  // when the minute began
    int failed = 0, under_way = 0, waiting = 0;
    bool told = false;
  };
  Verdict Judge(Count& count, Time until, std::unique_lock<std::mutex>& lock);
  void Forget(Time now);

  const int per_minute_, at_once_;
  std::mutex mutex_;
  std::condition_variable left_;
  std::map<std::string, Count> counts_;  // by network, see NetworkOf
};

// What counts as one address: an IPv4 address, or the /64 of an IPv6 address,
// of which one machine may have all.
std::string NetworkOf(const std::string& address);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_ENROL_ATTEMPTS_H_
