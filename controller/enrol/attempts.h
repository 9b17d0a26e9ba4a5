// Counts failed attempts by address, so that one address cannot try on and on.

#ifndef METSUKE_CONTROLLER_ENROL_ATTEMPTS_H_
#define METSUKE_CONTROLLER_ENROL_ATTEMPTS_H_

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace metsuke {

// Safe for many threads. Remembers 4096 addresses at most; what is no longer
// of use is forgotten first.
class Attempts {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Attempts(int per_minute) : per_minute_(per_minute) {}

  enum class Verdict { kWelcome, kRefusedFirst, kRefusedAgain };

  // Whether `address` may try at `now`. kRefusedFirst once in each minute of
  // refusing, so that a flood makes one line of log and not a flood of them.
  Verdict MayTry(const std::string& address, Time now);

  // An attempt of `address` has failed.
  void Failed(const std::string& address, Time now);

 private:
  struct Count {
    Time since;  // when the minute began
    int failed = 0;
    bool told = false;
  };
  void Forget(Time now);

  const int per_minute_;
  std::mutex mutex_;
  std::map<std::string, Count> counts_;  // by network, see NetworkOf
};

// What counts as one address: an IPv4 address, or the /64 of an IPv6 address,
// of which one machine may have all.
std::string NetworkOf(const std::string& address);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_ENROL_ATTEMPTS_H_
