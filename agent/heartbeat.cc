#include "agent/heartbeat.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <syslog.h>

#include <thread>

#include "collectors/heartbeat_line.h"

namespace metsuke {
namespace {

constexpr int64_t kHour = 3600;

void Write(uint64_t number) {
  openlog("metsuke-agent", LOG_PID, LOG_DAEMON);
  const int facilities[] = {LOG_DAEMON, LOG_AUTHPRIV};
  for (size_t i = 0; i < std::size(facilities); ++i)
    syslog(facilities[i] | LOG_INFO, "%s",
           HeartbeatLine(kHeartbeatFacilities[i], number).c_str());
  closelog();
}

}  // namespace

uint64_t Heartbeat::Beat(int64_t now) {
  if (number_ != 0 && now - sent_ < kHour) return number_;
  uint64_t number = 0;
  if (getrandom(&number, sizeof number, 0) != sizeof number || number == 0)
    return number_;
  // syslog(3) waits as long as a logger that stands still does, which is to be
  // found out, not to be shared.
  if (writing_->exchange(true)) return number_;
  number_ = number;
  sent_ = now;
  std::thread([number, writing = writing_] {
    Write(number);
    *writing = false;
  }).detach();
  return number_;
}

}  // namespace metsuke
