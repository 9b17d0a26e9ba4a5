// metsuke-controller: takes what agents report, keeps it, and answers
// operators.

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <ctime>
#include <optional>
#include <string>

#include "absl/strings/str_split.h"
#include "controller/ca/client.h"
#include "controller/delivery/nightly.h"
#include "controller/delivery/outbox.h"
#include "controller/delivery/recipients.h"
#include "controller/gate.h"
#include "controller/metrics_file.h"
#include "controller/operator.h"
#include "controller/page/template.h"
#include "controller/rounds.h"
#include "controller/server.h"
#include "controller/silence.h"
#include "controller/standing.h"
#include "controller/store/sqlite.h"
#include "controller/sync_service.h"
#include "proto/command_line.h"
#include "proto/file.h"
#include "proto/instant.h"
#include "proto/log.h"
#include "proto/status.h"
#include "proto/text.h"
#include "proto/tls.h"
#include "proto/version.h"

namespace metsuke {
namespace {

// Blocked in all threads, so that only Wait sees them.
sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Each agent takes a descriptor; the soft limit is for programs that use
// select(2).
void RaiseDescriptors() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Certificates come from metsuke-ca, if there is one here.
SyncService::Renew RenewBy(const v1::ControllerConfig& config) {
  if (config.authority().empty()) return nullptr;
  return [authority = AuthorityClient(config.authority())](
             const std::string& host,
             const std::string& request) -> absl::StatusOr<std::string> {
    ASSIGN_OR_RETURN(const v1::EnrolReply reply,
                     authority.Renew(host, request));
    return reply.chain();
  };
}

// Nothing renews the controller's own certificate.
void WarnOfEnd(const Identity& own, int64_t now) {
  constexpr int64_t kWarnDays = 30;
  const int64_t days = (own.not_after - now) / 86400;
  if (days < kWarnDays)
    Log(days < 7 ? Priority::kError : Priority::kWarning,
        fmt::format("the controller's certificate ends on {}, in {} days; make "
                    "another with metsuke-ca issue controller and restart "
                    "metsuke-controller: agents come back by themselves",
                    Rfc3339(own.not_after), days));
}

// Once a day until a signal comes: forgets what is too old, and warns of the
// end of the certificate.
void KeepHouse(const sigset_t& stop, const v1::ControllerConfig& config,
               const Identity& own, Store& store) {
  constexpr timespec kDay{.tv_sec = 86400, .tv_nsec = 0};
  do {
    const int64_t now = std::time(nullptr);
    WarnOfEnd(own, now);
    const absl::Status forgotten =
        store.Forget(now - int64_t{config.history_days()} * 86400);
    if (!forgotten.ok())
      Log(Priority::kError, "old history is not forgotten: " +
                                Message(forgotten));
  } while (sigtimedwait(&stop, nullptr, &kDay) < 0);
}

// Where reports go; to nobody without a file.
absl::StatusOr<DeliveryRules> ReadRules(const v1::ControllerConfig& config) {
  if (config.delivery().empty()) return DeliveryRules();
  ASSIGN_OR_RETURN(const std::string yaml, ReadFile(config.delivery()));
  ASSIGN_OR_RETURN(DeliveryRules rules,
                   ReadDelivery(config.delivery(), yaml));
  for (const std::string& line : Unready(rules.config))
    rules.problems.push_back(config.delivery() + ": " + line);
  return rules;
}

absl::Status Serve(const v1::ControllerConfig& config, const Credential& own,
                   const DeliveryRules& delivery) {
  const sigset_t signals = StopSignals();
  RaiseDescriptors();
  ASSIGN_OR_RETURN(const auto store, OpenSqliteStore(config.state(),
                      {.after = SilentAfter(config.interval_seconds()),
                       .listening = std::time(nullptr)}));
  ASSIGN_OR_RETURN(const auto baseline, StandingBaseline::Load(*store));
  SyncService sync(*store, config.interval_seconds(), RenewBy(config));
  Knocker knocker(*store);
  OperatorService operators(
      *store, knocker, *baseline,
      {.interval_seconds = config.interval_seconds(),
       .authority = config.authority(),
       .removed = [&sync](const std::string& id) { sync.Drop(id); },
       .certificate_until = own.identity.not_after,
       .waiver_days_max = config.waiver_days_max(),
       .delivery = delivery.config,
       .page_template = config.page_template()});
  ASSIGN_OR_RETURN(
      const auto server,
      Server::Start(config, own, {.sync = &sync, .services = {&operators}}));
  Log(Priority::kNotice, fmt::format("{} listens on {}, port {}", kVersion,
                                     config.listen(), server->port()));
  const Rounds rounds(*store, knocker, !config.never_knocks());
  ASSIGN_OR_RETURN(const auto report_time,
                   ParseTimeOfDay(config.report_time()));
  std::optional<Nightly> nightly;
  if (report_time)
    nightly.emplace(*store, *baseline, *report_time, delivery,
                    config.interval_seconds());
  const Outbox outbox(*store, *baseline, delivery, config.interval_seconds(),
                      config.page_template());
  std::optional<MetricsFile> metrics;
  if (!config.metrics_file().empty())
    metrics.emplace(
        *store, *baseline,
        MetricsFile::Settings{.path = config.metrics_file(),
                              .interval = config.interval_seconds(),
                              .certificate_until = own.identity.not_after});
  KeepHouse(signals, config, own.identity, *store);
  Log(Priority::kNotice, "stops");
  return absl::OkStatus();
}

absl::Status CheckPageTemplate(const v1::ControllerConfig& config) {
  if (config.page_template().empty()) return absl::OkStatus();
  return PageTemplate::Read(config.page_template()).status();
}

absl::Status Run(const DaemonFlags& flags) {
  RETURN_IF_ERROR(HardenTls());
  ASSIGN_OR_RETURN(const std::string yaml, ReadFile(flags.config));
  ASSIGN_OR_RETURN(const v1::ControllerConfig config,
                   ReadControllerConfig(flags.config, yaml));
  if (flags.print) {
    fmt::print("{}", WriteYaml(config));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(
      const Credential own,
      LoadCredential(config.certificate(), config.key(), config.root()));
  if (own.identity.role != "controller")
    return absl::InvalidArgumentError(
        fmt::format("{}: belongs to the role {}; a controller's is needed",
                    config.certificate(), own.identity.role));
  RETURN_IF_ERROR(Gate::Make(AllServices()).status());
  ASSIGN_OR_RETURN(DeliveryRules rules, ReadRules(config));
  // Whoever reads the report needs it more than its looks.
  if (const absl::Status page = CheckPageTemplate(config); !page.ok())
    rules.problems.push_back(
        "page_template is broken, and pages are made from the built-in "
        "template: " +
        Message(page));
  if (flags.test)
    return rules.problems.empty() ? absl::OkStatus()
                                  : absl::InvalidArgumentError(fmt::format(
                                        "{}", fmt::join(rules.problems, "\n")));
  // One who cannot be served must not keep the others from being.
  for (const std::string& line : rules.problems) Log(Priority::kError, line);
  return Serve(config, own, rules);
}

int Main(int argc, char** argv) {
  SetLogName("metsuke-controller");
  DaemonFlags flags{.config = "/etc/metsuke/controller.yaml"};
  CommandLine line("metsuke-controller",
                   "Keeps what a fleet of servers looks like and judges it.");
  AddDaemonFlags(line, flags);
  if (const auto code = line.Parse(argc, argv)) return *code;
  const absl::Status status = Run(flags);
  if (status.ok()) return 0;
  const std::string why = Message(status);
  for (const absl::string_view line : absl::StrSplit(why, '\n'))
    Log(Priority::kError, std::string(line));
  return absl::IsInvalidArgument(status) ? 78 : 1;
}

}  // namespace
}  // namespace metsuke

int main(int argc, char** argv) { return metsuke::Main(argc, argv); }
