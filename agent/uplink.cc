#include "agent/uplink.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "proto/encode.h"
#include "proto/log.h"
#include "proto/message_ids.h"
#include "proto/status.h"
#include "proto/version.h"

namespace metsuke {
namespace {

using std::chrono::seconds;

// A controller may ask for the state again this often at most.
constexpr seconds kRecordCurrentEvery{30};
// A renewal that came to nothing is tried again after this time.
constexpr seconds kRenewalEvery{600};
// A stream that lasted this long was a success.
constexpr seconds kSteady{60};
// How long a controller may take to let the stream begin, which includes to
// connect, and to acknowledge a record: all of its body is on its way by then,
// and a commit takes milliseconds.
constexpr seconds kWelcomePatience{60};
constexpr seconds kAckPatience{120};

// Text of the other side, fit for one line of the log.
std::string Shown(const std::string& text) {
  return enc::Log(HostText(text.substr(0, 500)));
}

}  // namespace

std::string Describe(const grpc::Status& status, const std::string& address) {
  const std::string reason = Shown(status.error_message());
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return address + " closed the stream";
    case grpc::StatusCode::UNAUTHENTICATED:
      return fmt::format(
          "refused by {}: it does not accept this host's certificate: {}",
          address, reason);
    case grpc::StatusCode::PERMISSION_DENIED:
      return fmt::format("refused by {}: {}", address, reason);
    case grpc::StatusCode::UNAVAILABLE:
      return fmt::format("cannot reach {}: {}", address, reason);
    default:
      return fmt::format(
          "stream to {} ended: {}: {}", address,
          CodeName(static_cast<absl::StatusCode>(status.error_code())), reason);
  }
}

Uplink::Uplink(const v1::AgentConfig& config, Spool& spool, Mailbox& mailbox,
               std::function<double()> random)
    : config_(config),
      spool_(spool),
      mailbox_(mailbox),
      random_(std::move(random)),
      courier_(spool, kVersion),
      next_(Clock::now()) {}

void Uplink::Tick(Clock::time_point now) {
  if (!stream_) {
    if (now >= next_) Connect(now);
    return;
  }
  if (now >= Patience()) return HangOnSilence();
  next_ = std::min(now + kSteady, Patience());
  if (record_current_at_ && now >= *record_current_at_) RecordCurrent(now);
  if (record_current_at_) next_ = std::min(next_, *record_current_at_);
  RenewIfDue(now);
  Follow(courier_.TakeOrders());
  Send();
}

void Uplink::Connect(Clock::time_point now) {
  // Read anew for each try: an operator may have enrolled the host meanwhile.
  const absl::StatusOr<Credential> own = LoadIdentity(config_.state());
  if (!own.ok()) return Hang(false, Message(own.status()));
  if (!identity_ || identity_->serial != own->identity.serial)
    renewal_jitter_ = 2 * random_() - 1;
  identity_ = own->identity;
  welcomed_ = false;
  renewal_.reset();
  renewal_at_ = moved_ = now;
  next_ = std::min(now + kSteady, Patience());
  mailbox_.ForgetStream();
  stream_ = std::make_unique<Stream>(OpenChannel(config_.controller(), *own),
                                     mailbox_);
  courier_.Connected(std::time(nullptr));
  Send();
}

void Uplink::Send() {
  if (!stream_ || !stream_->can_write()) return;
  auto message = courier_.NextMessage(std::time(nullptr));
  if (message) {
    stream_->Write(*std::move(message));
  } else {
    // A body may have turned out to be missing.
    Follow(courier_.TakeOrders());
  }
}

void Uplink::On(event::Message message) {
  if (!stream_) return;
  moved_ = Clock::now();
  courier_.Received(message.message, std::time(nullptr));
  Follow(courier_.TakeOrders());
  if (!stream_) return;
  stream_->ReadNext();
  Send();
}

void Uplink::On(const event::Written&) {
  if (!stream_) return;
  moved_ = Clock::now();
  stream_->Written();
  Send();
}

void Uplink::On(const event::Closed& closed) {
  if (!stream_) return;
  if (closed.status.error_code() == grpc::StatusCode::UNAUTHENTICATED &&
      RevertIdentity(config_.state()).ok())
    Log(Priority::kWarning,
        "the renewed certificate was refused; going back to the previous one");
  Hang(false, Describe(closed.status, config_.controller()));
}

void Uplink::Recorded(Clock::time_point now) {
  if (courier_.drained()) moved_ = now;  // until now it owed nothing
  unchanged_at_.reset();
  courier_.Recorded(std::time(nullptr));
  Send();
}

void Uplink::Unchanged(Clock::time_point now) {
  unchanged_at_ = now;
  courier_.Unchanged(std::time(nullptr));
  Send();
}

void Uplink::Greeted(Clock::time_point now) {
  welcomed_ = true;
  welcomed_at_ = now;
  status_ = fmt::format("connected to {} as host {}", config_.controller(),
                        identity_->name);
  Log(Priority::kInfo, status_);
  const absl::Status confirmed = ConfirmIdentity(config_.state());
  if (!confirmed.ok()) Log(Priority::kWarning, Shown(Message(confirmed)));
  // Looks come up to a tenth later than asked for.
  if (unchanged_at_ && now - *unchanged_at_ <= 1.1 * seconds(interval_seconds_))
    courier_.Unchanged(std::time(nullptr));
}

void Uplink::Follow(Orders orders) {
  if (orders.interval_seconds) interval_seconds_ = *orders.interval_seconds;
  if (orders.welcomed) Greeted(Clock::now());
  if (orders.acknowledged > 0) {
    backoff_.Reset();
    was_soon_ = false;
    Log(Priority::kInfo,
        fmt::format("reported {} tables to {}: record {} is acknowledged",
                    spool_.current() ? spool_.current()->tables_size() : 0,
                    config_.controller(), orders.acknowledged));
  }
  for (const std::string& note : orders.notes)
    Log(Priority::kWarning, Shown(note));
  if (orders.record_current && !record_current_at_)
    record_current_at_ = recorded_current_at_ + kRecordCurrentEvery;
  if (orders.certificate) KeepCertificate(*orders.certificate);
  if (orders.renewal_refused) GiveUpRenewal(*orders.renewal_refused);
  if (orders.close) FollowClose(*orders.close);
}

void Uplink::FollowClose(const step::Close& close) {
  const bool soon = close.soon && !was_soon_;
  was_soon_ = close.soon;
  Hang(soon, Shown(close.reason));
}

// Until when the controller may be silent. What keeps a connection alive is
// seen to by gRPC, in the kernel and the transport; a controller whose threads
// hang answers there all the same.
Uplink::Clock::time_point Uplink::Patience() const {
  if (!welcomed_) return moved_ + kWelcomePatience;
  return courier_.drained() ? Clock::time_point::max() : moved_ + kAckPatience;
}

void Uplink::HangOnSilence() {
  const bool greeted = std::exchange(welcomed_, false);  // this was no success
  Hang(false,
       greeted
           ? fmt::format("{} does not acknowledge record {}: silent for {} s",
                         config_.controller(), spool_.first_seq(),
                         kAckPatience.count())
           : fmt::format("{} does not answer: silent for {} s",
                         config_.controller(), kWelcomePatience.count()));
}

void Uplink::Hang(bool soon, const std::string& why) {
  const Clock::time_point now = Clock::now();
  courier_.Disconnected();
  stream_.reset();
  if (welcomed_ && now - welcomed_at_ >= kSteady) backoff_.Reset();
  welcomed_ = false;
  const auto wait =
      soon ? std::chrono::milliseconds(0) : backoff_.Next(random_());
  next_ = now + wait;
  status_ = why;
  if (soon) {
    Log(Priority::kInfo, why + "; connecting again");
  } else {
    LogNotice(
        {kControllerSilent}, Priority::kWarning,
        fmt::format("{}; next try in {:.1f} s", why, wait.count() / 1000.0));
  }
}

void Uplink::RecordCurrent(Clock::time_point now) {
  record_current_at_.reset();
  recorded_current_at_ = now;
  if (courier_.drained()) moved_ = now;
  // When it cannot be done spool_.current() is gone and the daemon looks anew.
  courier_.RecordCurrent(std::time(nullptr));
}

void Uplink::RenewIfDue(Clock::time_point now) {
  if (!courier_.open() || now < renewal_at_ ||
      !RenewalDue(*identity_, std::time(nullptr), renewal_jitter_))
    return;
  renewal_at_ = now + kRenewalEvery;
  absl::StatusOr<Renewal> renewal = StartRenewal();
  if (!renewal.ok()) {
    LogNotice({kCertificateNotRenewed}, Priority::kError,
              "renew certificate: " + Message(renewal.status()));
    return;
  }
  renewal_ = *std::move(renewal);
  courier_.Renew(renewal_->request, std::time(nullptr));
}

// Until it is due again.
void Uplink::GiveUpRenewal(const std::string& reason) {
  renewal_.reset();
  LogNotice({kCertificateNotRenewed}, Priority::kWarning,
            "the controller does not renew the certificate: " + Shown(reason));
}

void Uplink::KeepCertificate(const std::string& chain) {
  if (!renewal_) return;
  const absl::Status status = StoreRenewal(config_.state(), *renewal_, chain);
  renewal_.reset();
  if (!status.ok()) {
    LogNotice({kCertificateNotRenewed}, Priority::kError,
              "keep the renewed certificate: " + Shown(Message(status)));
    return;
  }
  Hang(true, "the certificate was renewed");
}

}  // namespace metsuke
