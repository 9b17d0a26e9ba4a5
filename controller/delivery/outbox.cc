#include "controller/delivery/outbox.h"

#include <fmt/format.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "controller/page/page.h"
#include "controller/registers.h"
#include "controller/report/report.h"
#include "proto/encode.h"
#include "proto/instant.h"
#include "proto/log.h"
#include "proto/message_ids.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

constexpr int64_t kFirstWait = 60, kLongestWait = 3600, kDay = 86400;
constexpr std::chrono::seconds kLook(5), kAfterError(60);
constexpr size_t kKeptError = 500;
constexpr char kHere[] = "here", kMail[] = "mail";

std::string Name(const v1::Delivery& delivery) {
  return delivery.recipient() +
         (delivery.address().empty() ? "" : " (" + delivery.address() + ")");
}

// Tells what became of a try, and of failures each time their reason changes.
void Tell(const v1::Delivery& before, const v1::Delivery& after) {
  const std::string what =
      fmt::format("the report of {} to {} ", after.day(), Name(after));
  const std::string why = enc::Log(HostText(after.error()));
  if (after.state() == "delivered")
    Log(Priority::kInfo, what + "is delivered");
  else if (after.state() == "given up")
    LogNotice({kDeliveryGivenUp}, Priority::kError,
              fmt::format(
                  "{}is given up after {} tries: {}; once that is mended, "
                  "metsukectl report send {} {} tries again",
                  what, after.attempts(), why, after.day(), after.recipient()));
  else if (after.error() != before.error())
    Log(Priority::kWarning,
        fmt::format("{}is not delivered and is tried again from {} on: {}",
                    what, Rfc3339(after.next()), why));
}

absl::StatusOr<v1::Report> ReadPart(Store& store, const std::string& day,
                                    const std::string& selector) {
  ASSIGN_OR_RETURN(const std::string bytes, store.ReadReport(day, selector));
  v1::Report report;
  if (!report.ParseFromString(bytes))
    return absl::DataLossError("the report of " + day + " is damaged");
  return report;
}

bool IsMeant(const v1::Recipient* recipient, const v1::Delivery& delivery) {
  if (recipient == nullptr) return false;
  return delivery.address().empty()
             ? recipient->mail().empty()
             : std::ranges::find(recipient->mail(), delivery.address()) !=
                   recipient->mail().end();
}

SendResult Try(Store& store, const DeliveryRules& rules,
               const v1::Delivery& delivery, const SendOne& send) {
  const v1::Recipient* const recipient =
      FindRecipient(rules.config, delivery.recipient());
  if (!IsMeant(recipient, delivery))
    return {.status = absl::NotFoundError(
                "delivery.yaml names no such recipient any more")};
  if (const auto refused = rules.refused.find(recipient->name());
      refused != rules.refused.end())
    return {.status = absl::FailedPreconditionError(refused->second)};
  const auto report = ReadPart(store, delivery.day(), recipient->hosts());
  if (!report.ok()) return {.status = report.status()};
  return send(*recipient, delivery.address(),
              {.report = *report,
               .language = LanguageOf(*recipient),
               .id = LetterId(delivery),
               .queued = delivery.queued()});
}

// What tells whether a file that holds a secret of the way is another than it
// was. Not what it holds: that is read when it is needed.
std::string SecretsOf(const v1::DeliveryConfig& config,
                      const std::string& way) {
  std::vector<std::string> files;
  for (const v1::Recipient& recipient : config.recipients())
    if (WayTo(&recipient) == way)
      files.insert(files.end(), {recipient.webhook_file(),
                                 recipient.token_file(),
                                 recipient.secret_file()});
  if (way == kMail) files.push_back(config.mail().password_file());
  std::string all;
  for (const std::string& file : files) {
    struct stat info{};
    if (file.empty() || stat(file.c_str(), &info) != 0) info = {};
    all += fmt::format("{} {} {} {}.{}.{}\n", info.st_dev, info.st_ino,
                       info.st_size, info.st_ctim.tv_sec, info.st_ctim.tv_nsec,
                       info.st_mode);
  }
  return all;
}

}  // namespace

v1::Delivery BeginTry(v1::Delivery delivery, int64_t now) {
  delivery.set_attempts(delivery.attempts() + 1);
  delivery.set_tried(now);
  delivery.set_error("metsuke-controller ended while it was tried");
  return delivery;
}

v1::Delivery EndTry(v1::Delivery begun, const SendResult& outcome,
                    int64_t now) {
  const std::string error = ToUtf8(Message(outcome.status));
  begun.set_error(std::string(Utf8Prefix(error, kKeptError)));
  begun.set_next(0);
  if (outcome.status.ok()) {
    begun.set_state("delivered");
    return begun;
  }
  if (now - begun.queued() >= kDeliverySeconds) {
    begun.set_state("given up");
    return begun;
  }
  const uint32_t doublings = std::min<uint32_t>(begun.attempts() - 1, 10);
  const int64_t wait = absl::IsAborted(outcome.status)
                           ? kDay
                           : std::min(kFirstWait << doublings, kLongestWait);
  begun.set_next(now + std::max(wait, std::min(outcome.retry_after, kDay)));
  return begun;
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

std::string WayTo(const v1::Recipient* recipient) {
  if (recipient == nullptr || !recipient->directory().empty()) return kHere;
  return recipient->mail().empty() ? "webhook " + recipient->name() : kMail;
}

absl::StatusOr<int> DeliverDue(Store& store, const DeliveryRules& rules,
                               const std::string& way, const SendOne& send,
                               const Clock& clock,
                               const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const std::vector<v1::Delivery> due,
                   store.DueDeliveries(clock()));
  int tried = 0;
  std::optional<SendResult> unreachable;
  for (const v1::Delivery& delivery : due) {
    if (stop.stop_requested()) break;
    if (WayTo(FindRecipient(rules.config, delivery.recipient())) != way)
      continue;
    const v1::Delivery begun = BeginTry(delivery, clock());
    const absl::Status noted = store.UpdateDelivery(begun);
    // It was put on its way anew, or its night is forgotten.
    if (absl::IsNotFound(noted)) continue;
    RETURN_IF_ERROR(noted);
    const SendResult outcome =
        unreachable ? *unreachable : Try(store, rules, begun, send);
    // What was cut short says nothing about the other side.
    if (absl::IsCancelled(outcome.status)) break;
    if (absl::IsUnavailable(outcome.status)) unreachable = outcome;
    const v1::Delivery after = EndTry(begun, outcome, clock());
    if (const absl::Status kept = store.UpdateDelivery(after);
        !kept.ok() && !absl::IsNotFound(kept))
      return kept;
    Tell(delivery, after);
    ++tried;
  }
  return tried;
}

absl::Status TryAgainNow(Store& store, const DeliveryRules& rules,
                         const std::string& way, int64_t now) {
  ASSIGN_OR_RETURN(const std::vector<v1::Delivery> all, store.Deliveries(""));
  for (v1::Delivery delivery : all) {
    // A controller that is started over and over must not press anybody.
    const int64_t soonest =
        delivery.tried() == 0 ? now : std::max(now, delivery.tried() + kFirstWait);
    if (delivery.next() <= soonest ||
        WayTo(FindRecipient(rules.config, delivery.recipient())) != way)
      continue;
    delivery.set_next(soonest);
    const absl::Status noted = store.UpdateDelivery(delivery);
    if (!noted.ok() && !absl::IsNotFound(noted)) return noted;
  }
  return absl::OkStatus();
}

Outbox::Outbox(Store& store, StandingBaseline& baseline,
               const DeliveryRules& rules, int64_t interval,
               std::string page_template)
    : store_(store),
      baseline_(baseline),
      rules_(rules),
      interval_(interval),
      page_template_(std::move(page_template)) {
  std::set<std::string> ways = {kHere};
  for (const v1::Recipient& recipient : rules.config.recipients())
    ways.insert(WayTo(&recipient));
  for (const std::string& way : ways)
    threads_.emplace_back(
        [this, way](const std::stop_token& stop) { Loop(way, stop); });
}

absl::StatusOr<std::string> Outbox::Page(const v1::Report& report,
                                         const v1::Recipient& recipient) {
  StandingRegisters registers(store_);
  const auto judge = baseline_.judge();
  ASSIGN_OR_RETURN(MadePage made,
                   MakePage({.store = store_,
                             .registers = registers,
                             .judge = judge.get(),
                             .interval = interval_},
                            report, {.selector = recipient.hosts()},
                            LanguageOf(recipient), page_template_));
  return std::move(made.html);
}

void Outbox::Loop(const std::string& way, const std::stop_token& stop) {
  const MakeReportPage page = [this](const v1::Report& report,
                                     const v1::Recipient& recipient) {
    return Page(report, recipient);
  };
  const SendOne send = [&](const v1::Recipient& recipient,
                           const std::string& address, const Letter& letter) {
    return Send(rules_.config, recipient, address, letter, page, stop);
  };
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any sleep;
  std::chrono::seconds wait(0);
  std::optional<std::string> secrets;
  const auto deliver = [&]() -> absl::Status {
    const auto clock = [] { return std::time(nullptr); };
    std::string now = SecretsOf(rules_.config, way);
    if (secrets != now) {
      RETURN_IF_ERROR(TryAgainNow(store_, rules_, way, clock()));
      secrets = std::move(now);
    }
    return DeliverDue(store_, rules_, way, send, clock, stop).status();
  };
  while (!sleep.wait_for(lock, stop, wait,
                         [&] { return stop.stop_requested(); })) {
    const absl::Status delivered = deliver();
    wait = delivered.ok() ? kLook : kAfterError;
    if (!delivered.ok())
      Log(Priority::kError,
          "reports are not delivered: " + Message(delivered));
  }
}

}  // namespace metsuke
