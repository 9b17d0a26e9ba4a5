#include "agent/daemon.h"

#include <fmt/format.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "agent/look.h"
#include "collectors/channel.h"
#include "collectors/event_position.h"
#include "collectors/notify.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/log.h"
#include "proto/message_ids.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Longer than a cycle of collecting takes; see collectors/channel.h.
constexpr seconds kLookDeadline{60};
// A host whose state is not recorded is looked at again after this time.
constexpr seconds kLookAgain{30};

std::string Shown(const std::string& text) { return enc::Log(HostText(text)); }

// The tables of `after` that differ from `before`, for the log.
std::string Changed(const std::optional<v1::State>& before,
                    const v1::State& after) {
  std::string changed;
  for (const v1::TableDigest& table : after.tables()) {
    const bool same =
        before && std::ranges::any_of(before->tables(), [&](const auto& known) {
          return known.table() == table.table() &&
                 known.digest() == table.digest();
        });
    if (!same) changed += (changed.empty() ? "" : ", ") + table.table();
  }
  return changed.empty() ? "fewer tables" : changed;
}

}  // namespace

Daemon::Daemon(const v1::AgentConfig& config) : config_(config) {}

Daemon::~Daemon() {
  uplink_.reset();
  if (looker_.joinable()) looker_.join();
}

absl::Status Daemon::Open() {
  ASSIGN_OR_RETURN(
      spool_, Spool::Open(config_.state() + "/spool", config_.spool_bytes(),
                          std::time(nullptr)));
  if (!spool_->empty()) {
    Log(Priority::kInfo,
        fmt::format("the spool holds records {} to {}", spool_->first_seq(),
                    spool_->next_seq() - 1));
  }
  uplink_ = std::make_unique<Uplink>(config_, *spool_, mailbox_,
                                     [this] { return Random(); });
  return absl::OkStatus();
}

absl::Status Daemon::Run() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  signals_ = Descriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return absl::ErrnoToStatus(errno, "signalfd");
  next_watchdog_ = Clock::now();
  Notify("READY=1");
  while (!HandleSignals()) {
    const auto next = Work(Clock::now());
    const auto wait = std::chrono::ceil<milliseconds>(next - Clock::now());
    pollfd files[] = {{signals_.get(), POLLIN, 0},
                      {mailbox_.descriptor(), POLLIN, 0}};
    poll(files, 2,
         static_cast<int>(std::clamp<int64_t>(wait.count(), 0, 60000)));
    for (Event& event : mailbox_.Take()) Handle(std::move(event));
  }
  Notify("STOPPING=1");
  Log(Priority::kInfo, "stopped; what is not acknowledged stays in the spool");
  return absl::OkStatus();
}

// Whether it is time to stop.
bool Daemon::HandleSignals() {
  signalfd_siginfo info;
  while (read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGHUP) return true;
    Log(Priority::kInfo, "SIGHUP: looking at the host now");
    looks_.Want(Clock::now());
  }
  return false;
}

// Does what is due; returns when something will be.
Daemon::Clock::time_point Daemon::Work(Clock::time_point now) {
  // A state that was lost after it was recorded must be recorded anew.
  if (!spool_->current()) looks_.Hasten(kLookAgain);
  looks_.Follow(Interval(), Spread());
  if (!looking_ && now >= looks_.next()) StartLook(now);
  uplink_->Tick(now);
  TellServiceManager(now);
  auto next = uplink_->next();
  if (!looking_) next = std::min(next, looks_.next());
  if (next_watchdog_ > now) next = std::min(next, next_watchdog_);
  return next;
}

void Daemon::TellServiceManager(Clock::time_point now) {
  const std::string& status = uplink_->status();
  if (std::exchange(told_, status) != status) Notify("STATUS=" + status);
  const auto every = WatchdogInterval();
  if (every.count() == 0 || now < next_watchdog_) return;
  Notify("WATCHDOG=1");
  next_watchdog_ = now + every;
}

void Daemon::StartLook(Clock::time_point now) {
  looking_ = true;
  looks_.Begin(now, Spread());
  if (looker_.joinable()) looker_.join();  // it has put its answer: at its end
  looker_ = std::thread([this] {
    auto collected = Ask(
        config_.collect(),
        {.mask = AllTables(),
         .heartbeat = heartbeat_.Beat(
             std::chrono::duration_cast<seconds>(
                 Clock::now().time_since_epoch()).count())},
        kLookDeadline);
    if (collected.ok()) prober_.Complete(*collected, Clock::now());
    mailbox_.Put(event::Looked{std::move(collected)});
  });
}

seconds Daemon::Interval() const {
  return seconds(config_.interval_seconds() > 0 ? config_.interval_seconds()
                                                : uplink_->interval_seconds());
}

void Daemon::Handle(Event event) {
  if (auto* looked = std::get_if<event::Looked>(&event)) {
    OnLooked(std::move(*looked));
  } else if (const auto* heard = std::get_if<event::Heard>(&event)) {
    OnHeard(*heard);
  } else if (auto* message = std::get_if<event::Message>(&event)) {
    uplink_->On(std::move(*message));
  } else if (auto* written = std::get_if<event::Written>(&event)) {
    uplink_->On(*written);
  } else if (auto* closed = std::get_if<event::Closed>(&event)) {
    uplink_->On(*closed);
  }
}

void Daemon::OnLooked(event::Looked looked) {
  if (!looked.collected.ok()) {
    LogNotice({kCollectorSilent}, Priority::kWarning,
              "metsuke-collect cannot be asked: " +
                  Shown(Message(looked.collected.status())));
  }
  Record(std::move(looked));
  // The answer was large and rare; the heap need not keep room for the next.
  malloc_trim(0);
  // The host's own records are the better buffer.
  if (spool_->nearly_full())
    looking_ = false;
  else
    StartListening();
}

// Asks what happened since the position in the spool.
void Daemon::StartListening() {
  looker_.join();  // it has put its answer: at its end
  looker_ = std::thread([this, from = spool_->position()] {
    const Inquiry inquiry{.mask = kHear,
                          .position = EventPosition::FromBytes(from)};
    mailbox_.Put(event::Heard{Ask(config_.collect(), inquiry, kLookDeadline)});
  });
}

void Daemon::OnHeard(const event::Heard& answer) {
  looking_ = false;
  Unread unread = unread_;
  const auto heard = TakeHeard(answer.collected, spool_->position(), unread,
                               std::time(nullptr));
  const absl::Status noted = spool_->AppendEvents(
      heard.events, heard.position, std::time(nullptr));
  if (noted.ok()) unread_ = unread;
  if (!noted.ok()) {
    LogNotice({kNotRecorded}, Priority::kError,
              "events could not be recorded: " + Shown(Message(noted)));
  } else if (heard.events.events_size() > 0) {
    Log(Priority::kInfo,
        fmt::format("recorded {} events", heard.events.events_size()));
  }
  if (heard.events.events_size() > 0)
    uplink_->Recorded(Uplink::Clock::now());
  if (!noted.ok() || !heard.more || spool_->nearly_full()) return;
  looking_ = true;
  StartListening();
}

void Daemon::Record(event::Looked answer) {
  const int64_t now = std::time(nullptr);
  const Looked looked =
      MakeState(std::move(answer.collected), spool_->current(), now);
  if (spool_->current() &&
      StateDigest(*spool_->current()) == StateDigest(looked.state))
    return uplink_->Unchanged(Uplink::Clock::now());
  const std::string changed = Changed(spool_->current(), looked.state);
  const absl::StatusOr<uint64_t> seq =
      spool_->Append(looked.state, looked.tables, now);
  if (!seq.ok()) {
    LogNotice(
        {kNotRecorded}, Priority::kError,
        "the state could not be recorded: " + Shown(Message(seq.status())));
    // A table that was to be kept from the last state has lost its body.
    if (absl::IsFailedPrecondition(seq.status())) spool_->ForgetCurrent();
  } else {
    Log(Priority::kInfo, fmt::format("recorded state {}: {}", *seq, changed));
  }
  // The Loss of what was not recorded is a record, too.
  uplink_->Recorded(Uplink::Clock::now());
}

}  // namespace metsuke
