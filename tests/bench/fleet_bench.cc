#include <fmt/format.h>

#include <ctime>
#include <memory>

#include "authority.h"
#include "bench.h"
#include "command_bench.h"
#include "controller/delivery/nightly.h"
#include "controller/operator.h"
#include "controller/standing.h"
#include "controller/store/sqlite.h"
#include "folder.h"
#include "measure.h"
#include "proto/file.h"
#include "proto/status.h"
#include "states.h"

namespace metsuke {
namespace {

constexpr double kJudgedTarget = 10, kPostureTarget = 0.5;
constexpr int kFullFleet = 100000;
// Less than a host's name and id take.
constexpr double kBytesTarget = 64;

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

struct Asked {
  Cost cost;
  int64_t peak_kib = 0;
  v1::FleetPosture fleet;
  size_t items = 0;
};

absl::StatusOr<Asked> AskPosture(v1::Operator::Stub& stub, uint32_t limit) {
  Asked asked;
  const Growth growth;
  const Stopwatch watch;
  grpc::ClientContext context;
  v1::PostureRequest request;
  request.set_limit(limit);
  const auto reader = stub.Posture(&context, request);
  v1::PostureReply reply;
  while (reader->Read(&reply)) {
    asked.items += reply.hosts_size();
    if (reply.has_fleet()) asked.fleet = reply.fleet();
  }
  RETURN_IF_ERROR(FromGrpc(reader->Finish()));
  asked.cost = watch.Read();
  asked.peak_kib = growth.PeakKib();
  return asked;
}

absl::StatusOr<Asked> AskQuery(v1::Operator::Stub& stub) {
  Asked asked;
  const Growth growth;
  const Stopwatch watch;
  grpc::ClientContext context;
  v1::QueryRequest request;
  request.set_sql("SELECT port, program FROM ports");
  request.set_reduce(
      "SELECT program, port, count(*) AS hosts FROM rows GROUP BY 1, 2");
  const auto reader = stub.Query(&context, request);
  v1::QueryReply reply;
  while (reader->Read(&reply)) asked.items += reply.rows().rows_size();
  RETURN_IF_ERROR(FromGrpc(reader->Finish()));
  asked.cost = watch.Read();
  asked.peak_kib = growth.PeakKib();
  return asked;
}

// A store with hosts in it, and a controller that serves it.
class FleetRun {
 public:
  FleetRun(const BenchOptions& options, int hosts, bool own_names,
           Report& report)
      : options_(options),
        name_(fmt::format("{} hosts{}", ShowCount(hosts),
                          own_names ? ", each with its own name and address"
                                    : "")),
        hosts_(hosts),
        own_names_(own_names),
        report_(report) {}

  absl::Status Run(const std::vector<v1::Snapshot>& states) {
    RETURN_IF_ERROR(Prepare(states));
    ASSIGN_OR_RETURN(const auto store, OpenSqliteStore(folder_ / "store"));
    ASSIGN_OR_RETURN(const auto baseline, StandingBaseline::Load(*store));
    RETURN_IF_ERROR(JudgeAll(*store, *baseline->judge()));
    RETURN_IF_ERROR(Nights(states, *store, *baseline));
    return Serve(*store);
  }

  int hosts() const { return hosts_; }
  // How much memory the posture of every host took for a moment.
  int64_t posture_kib() const { return posture_kib_; }

 private:
  // The store is closed when this is done, as after a restart.
  absl::Status Prepare(const std::vector<v1::Snapshot>& states) {
    const Stopwatch watch;
    ASSIGN_OR_RETURN(const auto store, OpenSqliteStore(folder_.Make("store")));
    RETURN_IF_ERROR(Fill(states, hosts_, own_names_, 1, *store));
    ASSIGN_OR_RETURN(const auto standing, StandingBaseline::Load(*store));
    ASSIGN_OR_RETURN(auto files, BaselineFiles(options_.baseline));
    RETURN_IF_ERROR(
        standing->Apply(std::move(files), "bench", std::time(nullptr))
            .status());
    const double seconds = watch.Read().wall;
    report_.Add({name_ + ": first states stored", ShowSeconds(seconds),
                 fmt::format("{} hosts a second through the store's interface",
                             ShowCount(hosts_ / seconds))});
    return Upgrade(states, *store);
  }

  // All hosts get another version of one package, and go back: what changed is
  // told as events of each.
  absl::Status Upgrade(std::vector<v1::Snapshot> states, Store& store) {
    const std::vector<v1::Snapshot> before = states;
    for (v1::Snapshot& state : states)
      state.mutable_packages(0)->set_version("2:bench");
    const Stopwatch watch;
    RETURN_IF_ERROR(Fill(states, hosts_, own_names_, 2, store));
    const double seconds = watch.Read().wall;
    report_.Add({name_ + ": one package upgraded on each, stored",
                 ShowSeconds(seconds),
                 fmt::format("{} hosts a second, an event each",
                             ShowCount(hosts_ / seconds))});
    return Fill(before, hosts_, own_names_, 3, store);
  }

  // Has a target for the whole fleet and none for smaller ones.
  Figure Aim(Figure figure, const char* target, bool reached) const {
    if (hosts_ < kFullFleet || own_names_) return figure;
    figure.target = target;
    figure.reached = reached;
    return figure;
  }

  absl::Status JudgeAll(Store& store, Judge& judge) {
    const Growth growth;
    const Stopwatch watch;
    ASSIGN_OR_RETURN(const Fleet fleet, store.ReadFleet({}, 0));
    const Cost read = watch.Read();
    for (const auto& state : fleet.states)
      RETURN_IF_ERROR(judge.State(state->tables, std::time(nullptr)).status());
    const Cost all = watch.Read();
    const Stopwatch second;
    for (const auto& state : fleet.states)
      RETURN_IF_ERROR(judge.State(state->tables, std::time(nullptr)).status());
    report_.Add(Aim(
        {name_ + ": judged, CPU", ShowSeconds(all.cpu),
         fmt::format("{} states, {} evaluations, wall {} of which reading the "
                     "fleet {}; judged again {}; peak +{}",
                     ShowCount(fleet.states.size()),
                     ShowCount(judge.evaluations()), ShowSeconds(all.wall),
                     ShowSeconds(read.wall), ShowSeconds(second.Read().wall),
                     ShowKib(growth.PeakKib()))},
        "at most 10 s on one core", all.cpu <= kJudgedTarget));
    return absl::OkStatus();
  }

  // Two nights: the first, before which no report was kept, and one with 500
  // hosts that got another version of one package, while on every host
  // somebody logged in, which is noise.
  absl::Status Nights(std::vector<v1::Snapshot> states, Store& store,
                      StandingBaseline& baseline) {
    constexpr int kChanged = 500;
    StandingRegisters registers(store);
    const auto judge = baseline.judge();
    const ReportSources sources{.store = store,
                                .registers = registers,
                                .judge = judge.get(),
                                .interval = 300};
    for (v1::Snapshot& state : states)
      state.mutable_accounts(0)->set_last_login(
          state.accounts(0).last_login() + 86400);
    std::vector<v1::Snapshot> changed = states;
    for (v1::Snapshot& state : changed)
      state.mutable_packages(0)->set_version("2:night");
    for (const bool first : {true, false}) {
      if (!first) {
        RETURN_IF_ERROR(Fill(states, hosts_, own_names_, 4, store));
        RETURN_IF_ERROR(Fill(changed, std::min(kChanged, hosts_), own_names_, 5,
                             store));
      }
      // The first host is among those that changed; its clock is the fleet's.
      ASSIGN_OR_RETURN(const Fleet fleet, store.ReadFleet({}, 0));
      const int64_t to = fleet.hosts.at(0).entry.last_seen();
      const Growth growth;
      const Stopwatch watch;
      ASSIGN_OR_RETURN(ReportQuestion question, QuestionUntil(store, to));
      question.day = fmt::format("night {}", first);
      ASSIGN_OR_RETURN(MadeReport made, MakeReport(sources, question));
      const Cost making = watch.Read();
      const std::string bytes = ReportBytes(made.report);
      RETURN_IF_ERROR(store.PutReport({.entry = EntryOf(made.report),
                                       .bytes = bytes,
                                       .opened = made.opened,
                                       .closed = made.closed,
                                       .behind = question.behind}));
      const Cost all = watch.Read();
      if (!first && (made.report.changes().empty() ||
                     made.report.noise().empty()))
        return absl::InternalError("the report tells of no change or no noise");
      const double target = hosts_ >= kFullFleet ? 180 : 20;
      report_.Add({fmt::format("{}: report of {}, CPU", name_,
                               first ? "the first night"
                                     : "a night with 500 changed hosts"),
                   ShowSeconds(all.cpu),
                   fmt::format("wall {}, of which keeping it {}; {} "
                               "findings opened, {} bytes; peak +{}",
                               ShowSeconds(all.wall),
                               ShowSeconds(all.wall - making.wall),
                               ShowCount(made.opened.size()),
                               ShowCount(bytes.size()),
                               ShowKib(growth.PeakKib())),
                   fmt::format("at most {:.0f} s", target), all.cpu <= target});
    }
    return absl::OkStatus();
  }

  absl::Status Serve(Store& store) {
    ASSIGN_OR_RETURN(const BenchAuthority authority,
                     BenchAuthority::Make(folder_));
    ASSIGN_OR_RETURN(const Credential own,
                     authority.Issue("controller", "one"));
    ASSIGN_OR_RETURN(const Credential who, authority.Issue("operator", "one"));
    ASSIGN_OR_RETURN(const auto baseline, StandingBaseline::Load(store));
    SyncService sync(store, 300, nullptr);
    Knocker knocker(store);
    OperatorService operators(
        store, knocker, *baseline,
        {.removed = [](const std::string&) {},
         .certificate_until = own.identity.not_after});
    ASSIGN_OR_RETURN(const auto server, StartServer(own, sync, {&operators}));
    const auto stub =
        v1::Operator::NewStub(OpenOwnChannel(server->port(), who));
    RETURN_IF_ERROR(AskAll(*stub));
    RETURN_IF_ERROR(AskWaived(store, *stub, *baseline->judge()));
    return own_names_ ? RunCommands(store, server->port()) : absl::OkStatus();
  }

  absl::Status RunCommands(Store& store, int port) const {
    const std::string issued = folder_ / "issued-operator-one/";
    const std::string configuration = folder_ / "ctl.yaml";
    RETURN_IF_ERROR(WriteFile(
        configuration,
        fmt::format("{{controller: 127.0.0.1:{}, certificate: {}, key: {}, "
                    "root: {}}}\n",
                    port, issued + "certificate.pem", issued + "key.pem",
                    issued + "root.pem"),
        0600));
    ASSIGN_OR_RETURN(const Fleet fleet, store.ReadFleet({}, 0));
    return BenchCommands({.program = options_.programs + "/metsukectl",
                          .configuration = configuration,
                          .fleet = name_,
                          .host = fleet.hosts.at(0).entry.host(),
                          .rounds = options_.rounds,
                          .targeted = hosts_ <= 1000},
                         folder_, report_);
  }

  // The same with waivers in force: one of each control for hosts of a role,
  // which every hundredth has, and one for a host by name.
  absl::Status AskWaived(Store& store, v1::Operator::Stub& stub,
                         const Judge& judge) {
    ASSIGN_OR_RETURN(const Fleet fleet, store.ReadFleet({}, 0));
    RegisterUpdate labels{.by = "bench", .now = std::time(nullptr)};
    for (size_t i = 0; i < fleet.hosts.size(); i += 100)
      labels.labels.push_back({fleet.hosts[i].entry.id(), {"role=web"}, {}});
    RETURN_IF_ERROR(store.PutRegisters(labels));
    const auto waive = [&](const std::string& control, bool host) {
      v1::AddWaiverRequest request;
      request.set_days(30);
      request.mutable_waiver()->set_control(control);
      if (host)
        request.mutable_waiver()->set_host(fleet.hosts[1].entry.id());
      else
        request.mutable_waiver()->set_selector("role=web");
      request.mutable_waiver()->set_reason("a measurement");
      request.mutable_waiver()->set_approver("nobody");
      grpc::ClientContext context;
      v1::AddWaiverReply reply;
      return FromGrpc(stub.AddWaiver(&context, request, &reply));
    };
    for (const CompiledControl& control : judge.baseline().controls)
      RETURN_IF_ERROR(waive(control.control.id(), false));
    RETURN_IF_ERROR(waive(judge.baseline().controls[0].control.id(), true));
    std::vector<double> walls;
    Asked asked;
    for (int round = 0; round < options_.rounds; ++round) {
      ASSIGN_OR_RETURN(asked, AskPosture(stub, 0));
      walls.push_back(asked.cost.wall);
    }
    if (asked.fleet.waived() == 0)
      return absl::InternalError("no waiver covers anything");
    const double wall = Median(walls);
    report_.Add(Aim({fmt::format("{}: posture, every host, {} waivers", name_,
                                 judge.baseline().controls.size() + 1),
                     ShowSeconds(wall), Beside(asked)},
                    "at most 0.5 s", wall <= kPostureTarget));
    return absl::OkStatus();
  }

  absl::Status AskAll(v1::Operator::Stub& stub) {
    ASSIGN_OR_RETURN(const Asked cold, AskPosture(stub, 100));
    if (cold.fleet.hosts() != static_cast<uint32_t>(hosts_))
      return absl::InternalError("posture does not speak of all hosts");
    report_.Add({name_ + ": first posture after a start, worst 100",
                 ShowSeconds(cold.cost.wall), Beside(cold)});
    for (const uint32_t limit : {100u, 0u}) {
      std::vector<double> walls;
      Asked asked;
      for (int round = 0; round < options_.rounds; ++round) {
        ASSIGN_OR_RETURN(asked, AskPosture(stub, limit));
        walls.push_back(asked.cost.wall);
      }
      const double wall = Median(walls);
      posture_kib_ = asked.peak_kib;
      report_.Add(Aim({fmt::format("{}: posture, {}", name_,
                                   limit ? "worst 100" : "every host"),
                       ShowSeconds(wall), Beside(asked)},
                      "at most 0.5 s", wall <= kPostureTarget));
    }
    ASSIGN_OR_RETURN(const Asked query, AskQuery(stub));
    report_.Add({name_ + ": query of all ports, counted",
                 ShowSeconds(query.cost.wall), Beside(query)});
    return absl::OkStatus();
  }

  static std::string Beside(const Asked& asked) {
    return fmt::format("CPU {}, {} items, peak +{}", ShowSeconds(asked.cost.cpu),
                       ShowCount(asked.items), ShowKib(asked.peak_kib));
  }

  const BenchOptions& options_;
  const std::string name_;
  const int hosts_;
  const bool own_names_;
  Report& report_;
  int64_t posture_kib_ = 0;
  const Folder folder_;
};

// What each host more costs, the number of states being the same.
void AddMemory(const FleetRun& small, const FleetRun& large, Report& report) {
  const double bytes =
      1024.0 *
      static_cast<double>(large.posture_kib() - small.posture_kib()) /
      (large.hosts() - small.hosts());
  report.Add({"posture, memory for each host more",
              fmt::format("{:.0f} bytes", bytes),
              fmt::format("from {} to {} hosts in the same states, while the "
                          "call lasts",
                          ShowCount(small.hosts()), ShowCount(large.hosts())),
              "none, it follows the distinct states", bytes < kBytesTarget});
}

}  // namespace

absl::Status BenchFleet(const BenchOptions& options, const v1::Snapshot& host,
                        Report& report) {
  report.Section(
      "Fleet",
      fmt::format("Stores with hosts that are in {} states, made after this "
                  "machine ({} packages, {} ports) so that they differ in "
                  "eight tables; asked as an operator does, over mutual TLS "
                  "on loopback. Client and server are one process: CPU and "
                  "the growth of resident memory are of both. Commands are "
                  "metsukectl as a program, from its start to its end.",
                  options.distinct, host.packages_size(), host.ports_size()));
  std::vector<v1::Snapshot> states;
  for (int i = 0; i < options.distinct; ++i) states.push_back(Vary(host, i));
  std::vector<std::unique_ptr<FleetRun>> runs;
  for (const int hosts : options.hosts) {
    runs.push_back(std::make_unique<FleetRun>(options, hosts, false, report));
    RETURN_IF_ERROR(runs.back()->Run(states));
  }
  if (runs.size() > 1 && runs.back()->hosts() >= kFullFleet)
    AddMemory(*runs.front(), *runs.back(), report);
  for (const int hosts : options.named)
    RETURN_IF_ERROR(FleetRun(options, hosts, true, report).Run(states));
  report.Note(
      "The digest of `host` covers the host's name and that of `interfaces` its "
      "addresses. Hosts that differ in them alone are different states, and "
      "controls that read these tables are evaluated for each of them; the "
      "fleet whose hosts have names of their own shows what that costs.");
  return absl::OkStatus();
}

}  // namespace metsuke
