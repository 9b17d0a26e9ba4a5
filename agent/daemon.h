// The agent at work: looks at the host again and again, records what changed
// and reports it. One thread; what blocks has a thread of its own and puts its
// answer into the mailbox.

#ifndef METSUKE_AGENT_DAEMON_H_
#define METSUKE_AGENT_DAEMON_H_

#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <thread>

#include "absl/status/status.h"
#include "agent/heard.h"
#include "agent/heartbeat.h"
#include "agent/look_times.h"
#include "agent/mailbox.h"
#include "agent/prober.h"
#include "agent/spool.h"
#include "agent/uplink.h"
#include "proto/config.pb.h"

namespace metsuke {

class Daemon {
 public:
  // `config` is one that LoadSettings returned; it must outlive the daemon.
  explicit Daemon(const v1::AgentConfig& config);
  ~Daemon();

  // Opens the spool.
  absl::Status Open();
  // Works until SIGTERM or SIGINT, which OK stands for; SIGHUP looks at the
  // host at once. An error when the kernel lacks what it takes.
  absl::Status Run();
  // Whether metsuke-collect or metsuke-probe is being asked, which cannot be
  // broken off: the destructor waits for the answer.
  bool looking() const { return looking_; }

 private:
  using Clock = Uplink::Clock;

  void StartLook(Clock::time_point now);
  void Handle(Event event);
  void OnLooked(event::Looked looked);
  void Record(event::Looked looked);
  void StartListening();
  void OnHeard(const event::Heard& heard);
  bool HandleSignals();
  Clock::time_point Work(Clock::time_point now);
  void TellServiceManager(Clock::time_point now);
  std::chrono::seconds Interval() const;
  // What an interval is multiplied by, another one each time.
  double Spread() { return 0.9 + 0.2 * Random(); }
  double Random() { return std::uniform_real_distribution<>()(engine_); }

  const v1::AgentConfig& config_;
  std::mt19937_64 engine_{std::random_device()()};
  Mailbox mailbox_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Uplink> uplink_;
  Descriptor signals_;
  Prober prober_{RunProbe};  // the looker's
  std::thread looker_;
  bool looking_ = false;
  LookTimes looks_;
  Clock::time_point next_watchdog_;
  std::string told_;  // the last status the service manager got
  Unread unread_;
  Heartbeat heartbeat_;  // of the looker, when there is one
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_DAEMON_H_
