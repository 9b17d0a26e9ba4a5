#include "controller/delivery/outbox.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <utility>
#include <vector>

#include "controller/delivery/recipients.h"
#include "proto/encode.h"
#include "proto/instant.h"
#include "proto/log.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int64_t kFirstWait = 60, kLongestWait = 3600;
constexpr std::chrono::seconds kLook(5), kAfterError(60);

std::string Name(const v1::Delivery& delivery) {
  return delivery.recipient() +
         (delivery.address().empty() ? "" : " (" + delivery.address() + ")");
}

void Tell(const v1::Delivery& delivery) {
  const std::string what =
      fmt::format("the report of {} to {} ", delivery.day(), Name(delivery));
  const std::string why = enc::Log(HostText(delivery.error()));
  if (delivery.state() == "delivered")
    Log(Priority::kInfo, what + "is delivered");
  else if (delivery.state() == "given up")
    Log(Priority::kError,
        fmt::format("{}is given up after {} tries: {}; metsukectl report send "
                    "{} {} tries again",
                    what, delivery.attempts(), why, delivery.day(),
                    delivery.recipient()));
  else if (delivery.attempts() == 1)
    Log(Priority::kWarning,
        fmt::format("{}is not delivered and is tried again from {} on, for "
                    "seven days: {}",
                    what, Rfc3339(delivery.next()), why));
}

Outcome Try(const ReportSources& sources, const v1::Recipient& recipient,
            const v1::Delivery& delivery, const SendOne& send) {
  const auto report = ReportOf(sources, delivery.day(), recipient.hosts());
  if (!report.ok()) return {.status = report.status()};
  return send(recipient, delivery.address(),
              {.report = *report,
               .language = LanguageOf(recipient),
               .id = LetterId(delivery),
               .queued = delivery.queued()});
}

bool IsMeant(const v1::Recipient* recipient, const v1::Delivery& delivery) {
  if (recipient == nullptr) return false;
  return delivery.address().empty()
             ? recipient->mail().empty()
             : std::ranges::find(recipient->mail(), delivery.address()) !=
                   recipient->mail().end();
}

}  // namespace

v1::Delivery AfterTry(v1::Delivery delivery, const Outcome& outcome,
                      int64_t now) {
  delivery.set_attempts(delivery.attempts() + 1);
  delivery.set_tried(now);
  delivery.set_error(Message(outcome.status));
  if (outcome.status.ok()) {
    delivery.set_state("delivered");
    delivery.set_next(0);
  } else if (now - delivery.queued() >= kDeliverySeconds) {
    delivery.set_state("given up");
    delivery.set_next(0);
  } else {
    const uint32_t doublings = std::min<uint32_t>(delivery.attempts() - 1, 10);
    const int64_t wait =
        std::max(std::min(kFirstWait << doublings, kLongestWait),
                 std::min<int64_t>(outcome.retry_after, 86400));
    delivery.set_next(now + wait);
  }
  return delivery;
}

std::string LetterId(const v1::Delivery& delivery) {
  const std::string all =
      fmt::format("{}\n{}\n{}\n{}", delivery.day(), delivery.recipient(),
                  delivery.address(), delivery.queued());
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(),
         digest);
  return fmt::format("metsuke.{}.{:02x}", delivery.day(),
                     fmt::join(digest, digest + 12, ""));
}

absl::StatusOr<v1::Report> ReportOf(const ReportSources& sources,
                                    const std::string& day,
                                    const std::string& selector) {
  auto bytes = sources.store.ReadReport(day, selector);
  if (absl::IsNotFound(bytes.status()) && !selector.empty()) {
    v1::Report whole;
    ASSIGN_OR_RETURN(const std::string night,
                     sources.store.ReadReport(day, ""));
    if (!whole.ParseFromString(night))
      return absl::DataLossError("the report of " + day + " is damaged");
    ASSIGN_OR_RETURN(MadeReport made,
                     MakeReport(sources, {.day = day,
                                          .hosts = {.selector = selector},
                                          .from = whole.from(),
                                          .to = whole.to()}));
    return std::move(made.report);
  }
  RETURN_IF_ERROR(bytes.status());
  v1::Report report;
  if (!report.ParseFromString(*bytes))
    return absl::DataLossError("the report of " + day + " is damaged");
  return report;
}

absl::StatusOr<int> DeliverDue(const ReportSources& sources,
                               const v1::DeliveryConfig& config,
                               const SendOne& send, int64_t now,
                               const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const std::vector<v1::Delivery> due,
                   sources.store.DueDeliveries(now));
  int tried = 0;
  for (const v1::Delivery& delivery : due) {
    if (stop.stop_requested()) break;
    const v1::Recipient* const recipient =
        FindRecipient(config, delivery.recipient());
    v1::Delivery after = delivery;
    if (!IsMeant(recipient, delivery)) {
      after.set_state("given up");
      after.set_next(0);
      after.set_error("delivery.yaml names no such recipient any more");
    } else {
      const Outcome outcome = Try(sources, *recipient, delivery, send);
      // What was cut short says nothing about the other side.
      if (absl::IsCancelled(outcome.status)) break;
      after = AfterTry(delivery, outcome, now);
      ++tried;
    }
    RETURN_IF_ERROR(sources.store.PutDelivery(after));
    Tell(after);
  }
  return tried;
}

Outbox::Outbox(Store& store, StandingBaseline& baseline,
               const v1::DeliveryConfig& config, int64_t interval)
    : store_(store),
      baseline_(baseline),
      registers_(store),
      config_(config),
      interval_(interval),
      thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

void Outbox::Loop(const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any sleep;
  std::chrono::seconds wait(0);
  while (!sleep.wait_for(lock, stop, wait,
                         [&] { return stop.stop_requested(); })) {
    const auto judge = baseline_.judge();
    const ReportSources sources{.store = store_,
                                .registers = registers_,
                                .judge = judge.get(),
                                .interval = interval_};
    const MakeReportPage page = [](const v1::Report& report,
                                   const v1::Recipient& recipient) {
      return MailHtml(report, LanguageOf(recipient));
    };
    const auto tried = DeliverDue(
        sources, config_,
        [&](const v1::Recipient& recipient, const std::string& address,
            const Letter& letter) {
          return Send(config_, recipient, address, letter, page, stop);
        },
        std::time(nullptr), stop);
    wait = tried.ok() ? kLook : kAfterError;
    if (!tried.ok())
      Log(Priority::kError,
          "reports are not delivered: " + Message(tried.status()));
  }
}

}  // namespace metsuke
