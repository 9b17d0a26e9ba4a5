#include "controller/enrol/attempts.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <utility>

namespace metsuke {
namespace {

constexpr std::chrono::minutes kWindow{1};
constexpr size_t kMost = 4096;

}  // namespace

Attempts::Verdict Attempts::MayTry(const std::string& address, Time now) {
  const std::lock_guard<std::mutex> guard(mutex_);
  const auto found = counts_.find(NetworkOf(address));
  if (found == counts_.end() || now - found->second.since >= kWindow ||
      found->second.failed < per_minute_)
    return Verdict::kWelcome;
  return std::exchange(found->second.told, true) ? Verdict::kRefusedAgain
                                                 : Verdict::kRefusedFirst;
}

void Attempts::Failed(const std::string& address, Time now) {
  const std::lock_guard<std::mutex> guard(mutex_);
  const std::string network = NetworkOf(address);
  if (counts_.size() >= kMost && counts_.count(network) == 0) Forget(now);
  Count& count = counts_[network];
  if (count.failed == 0 || now - count.since >= kWindow) count = {.since = now};
  ++count.failed;
}

void Attempts::Forget(Time now) {
  std::erase_if(counts_, [now](const auto& entry) {
    return now - entry.second.since >= kWindow;
  });
  if (counts_.size() < kMost) return;
  counts_.erase(std::min_element(counts_.begin(), counts_.end(),
                                 [](const auto& a, const auto& b) {
                                   return a.second.since < b.second.since;
                                 }));
}

std::string NetworkOf(const std::string& address) {
  in6_addr bytes{};
  const std::string bare = address.substr(0, address.find('%'));
  if (inet_pton(AF_INET6, bare.c_str(), &bytes) != 1) return address;
  return std::string(reinterpret_cast<const char*>(bytes.s6_addr), 8);
}

}  // namespace metsuke
