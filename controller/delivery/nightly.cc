#include "controller/delivery/nightly.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "controller/report/lines.h"
#include "controller/store/labels.h"
#include "proto/log.h"
#include "proto/message_ids.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400;
constexpr std::chrono::seconds kLook(20), kAfterError(600);

// Adds to whom the report of the night goes, and for whoever gets that of some
// of the hosts, it. A recipient that cannot be served now has it wait.
absl::Status AddDeliveries(const ReportSources& sources,
                           ReportQuestion question, const v1::Report& whole,
                           const DeliveryRules& rules, int64_t now,
                           NightReport& night) {
  std::map<std::string, bool> quiet = {{"", IsQuiet(whole)}};
  for (const v1::Recipient& recipient : rules.config.recipients()) {
    const std::string& selector = recipient.hosts();
    if (!quiet.contains(selector) && Selector::Parse(selector).ok()) {
      question.hosts.selector = selector;
      ASSIGN_OR_RETURN(const MadeReport made, MakeReport(sources, question));
      night.parts[selector] = ReportBytes(made.report);
      quiet[selector] = IsQuiet(made.report);
      if (made.report.before().hosts() + made.report.after().hosts() == 0)
        Log(Priority::kWarning,
            fmt::format("no host has the labels {} that delivery.yaml gives "
                        "recipient {}, whose report says so; metsukectl host "
                        "list shows the labels of hosts",
                        selector, recipient.name()));
    }
    if (recipient.skip_quiet() && quiet[selector]) continue;
    for (v1::Delivery& delivery : DeliveriesTo(recipient, question.day, now))
      night.deliveries.push_back(std::move(delivery));
  }
  return absl::OkStatus();
}

}  // namespace

int64_t ReportDelay(int64_t interval) {
  return std::max<int64_t>(600, 2 * interval);
}

absl::StatusOr<ReportQuestion> QuestionUntil(Store& store, int64_t to) {
  ReportQuestion question;
  question.to = to;
  question.from = to - kDay;
  ASSIGN_OR_RETURN(const std::vector<v1::ReportEntry> nights, store.Reports());
  const auto last = std::ranges::find_if(
      nights, [to](const v1::ReportEntry& night) { return night.to() < to; });
  if (last == nights.end()) return question;
  question.from = last->to();
  question.last_night = last->to();
  // What came late did so since the last night.
  if (last == nights.begin()) {
    ASSIGN_OR_RETURN(question.behind, store.Behind());
  }
  return question;
}

absl::StatusOr<std::optional<v1::ReportEntry>> MakeDueReport(
    const ReportSources& sources, TimeOfDay time, const DeliveryRules& rules,
    int64_t now) {
  const int64_t to = LastTime(now - ReportDelay(sources.interval), time);
  ASSIGN_OR_RETURN(const std::vector<v1::ReportEntry> nights,
                   sources.store.Reports());
  const std::string day = LocalDay(to);
  for (const v1::ReportEntry& night : nights) {
    // One that ends in times to come was made while the clock was wrong.
    if (night.to() > now) continue;
    // A clock that was put back makes no second report of the same time, nor
    // does another time of the day one of the same day.
    if (night.to() >= to || night.day() == day) return std::nullopt;
  }
  RETURN_IF_ERROR(sources.store.BeginReport(to));
  ASSIGN_OR_RETURN(ReportQuestion question, QuestionUntil(sources.store, to));
  question.day = day;
  ASSIGN_OR_RETURN(MadeReport made, MakeReport(sources, question));
  if (made.report.before().hosts() + made.report.after().hosts() == 0)
    return std::nullopt;
  v1::ReportEntry entry = EntryOf(made.report);
  NightReport night{.entry = entry,
                    .bytes = ReportBytes(made.report),
                    .opened = std::move(made.opened),
                    .closed = std::move(made.closed),
                    .behind = question.behind};
  RETURN_IF_ERROR(
      AddDeliveries(sources, question, made.report, rules, now, night));
  const absl::Status kept = sources.store.PutReport(night);
  // Somebody else was faster.
  if (absl::IsAlreadyExists(kept)) return std::nullopt;
  RETURN_IF_ERROR(kept);
  return entry;
}

Nightly::Nightly(Store& store, StandingBaseline& baseline, TimeOfDay time,
                 const DeliveryRules& rules, int64_t interval)
    : store_(store),
      baseline_(baseline),
      registers_(store),
      time_(time),
      rules_(rules),
      interval_(interval),
      thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

Nightly::~Nightly() = default;

void Nightly::Loop(const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any sleep;
  // Hosts that could not reach the controller have to come back first.
  std::chrono::seconds wait(ReportDelay(interval_));
  while (!sleep.wait_for(lock, stop, wait,
                         [&] { return stop.stop_requested(); })) {
    const auto judge = baseline_.judge();
    const auto made = MakeDueReport({.store = store_,
                                     .registers = registers_,
                                     .judge = judge.get(),
                                     .interval = interval_},
                                    time_, rules_, std::time(nullptr));
    wait = made.ok() ? kLook : kAfterError;
    if (!made.ok())
      LogNotice({kReportNotMade}, Priority::kError,
                "the report of the night is not made, and is tried "
                "again in ten minutes: " +
                    Message(made.status()));
    else if (*made)
      LogNotice({kReportKept}, Priority::kNotice,
                fmt::format(
                    "the report of {} is kept: {} hosts, {} verdicts worse, {} "
                    "better; metsukectl report drift --day {} shows it",
                    (*made)->day(), (*made)->hosts(), (*made)->worse(),
                    (*made)->better(), (*made)->day()));
  }
}

}  // namespace metsuke
