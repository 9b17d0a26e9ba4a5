#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <boost/filesystem.hpp>
#include <chrono>
#include <thread>

#include "agent/identity_files.h"
#include "authority.h"
#include "bench.h"
#include "controller/store/sqlite.h"
#include "folder.h"
#include "measure.h"
#include "program.h"
#include "proto/file.h"
#include "proto/status.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;
using std::chrono::seconds;

constexpr int64_t kTargetKib = 40 << 10;

// Makes the agent's folder as enrolment leaves it.
absl::Status PrepareAgent(const std::string& state,
                          const Credential& credential) {
  RETURN_IF_ERROR(StoreIdentity(state, credential.key, credential.chain,
                                credential.root));
  if (getuid() != 0) return absl::OkStatus();
  std::vector<fs::path> paths{state};
  for (const auto& entry : fs::directory_iterator(state))
    paths.push_back(entry.path());
  for (const fs::path& path : paths)
    if (chown(path.c_str(), AgentUid(), AgentUid()) != 0)
      return absl::PermissionDeniedError(path.native() + ": cannot be given");
  return absl::OkStatus();
}

// Waits until the controller has this host's state.
absl::Status WaitForState(Store& store, const std::string& log) {
  for (int i = 0; i < 300; ++i) {
    ASSIGN_OR_RETURN(const Fleet fleet, store.ReadFleet({}, 0));
    if (!fleet.states.empty()) return absl::OkStatus();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  // The folder goes away, so what the agent said is shown here.
  const auto said = ReadFile(log);
  return absl::UnavailableError("the agent did not report: " +
                                (said.ok() ? *said : log));
}

void AddFigures(const Program& agent, const Program& collect, Report& report) {
  const auto sum = [&](const auto& kib) {
    return kib(agent.pid()) + kib(collect.pid());
  };
  const auto resident = [](pid_t pid) { return StatusKib(pid, "VmRSS"); };
  const auto peak = [](pid_t pid) { return StatusKib(pid, "VmHWM"); };
  const int64_t together = sum(resident);
  std::string shares = "not readable without root";
  if (PssKib(agent.pid()) >= 0)
    shares = fmt::format("{}, agent {}", ShowKib(sum(PssKib)),
                         ShowKib(PssKib(agent.pid())));
  report.Add({"agent and collector, resident memory", ShowKib(together),
              fmt::format("agent {}, collector {}; peaks {} and {}",
                          ShowKib(resident(agent.pid())),
                          ShowKib(resident(collect.pid())),
                          ShowKib(peak(agent.pid())),
                          ShowKib(peak(collect.pid()))),
              "at most 40 MiB", together <= kTargetKib});
  report.Add({"the same, shared pages in parts (PSS)", shares,
              "smaller because libraries are mapped by other programs, too"});
}

}  // namespace

absl::Status BenchFootprint(const BenchOptions& options, Report& report) {
  report.Section("Memory of an agent",
                 "metsuke-agent and metsuke-collect report this machine to a "
                 "controller over mutual TLS; after the first state was stored "
                 "and two more looks.");
  const Folder folder;
  ASSIGN_OR_RETURN(const BenchAuthority authority, BenchAuthority::Make(folder));
  ASSIGN_OR_RETURN(const Credential own, authority.Issue("controller", "one"));
  ASSIGN_OR_RETURN(const Credential host, authority.Enrol());
  ASSIGN_OR_RETURN(const auto store, OpenSqliteStore(folder.Make("store")));
  SyncService sync(*store, 300, nullptr);
  ASSIGN_OR_RETURN(const auto server, StartServer(own, sync, {}));

  const std::string state = folder.Make("agent"), socket = folder / "collect";
  RETURN_IF_ERROR(PrepareAgent(state, host));
  RETURN_IF_ERROR(WriteFile(
      folder / "agent.yaml",
      fmt::format("controller: 127.0.0.1:{}\nstate: {}\ncollect: {}\n",
                  server->port(), state, socket),
      0644));
  ASSIGN_OR_RETURN(
      const Program collect,
      StartCollect(options.programs, socket, folder / "collect.log"));
  ASSIGN_OR_RETURN(const Program agent,
                   Program::Start({options.programs + "/metsuke-agent",
                                   "--config", folder / "agent.yaml"},
                                  folder / "agent.log", /*as_agent=*/true));
  RETURN_IF_ERROR(WaitForState(*store, folder / "agent.log"));
  for (int i = 0; i < 2; ++i) {
    std::this_thread::sleep_for(seconds(2));
    kill(agent.pid(), SIGHUP);
  }
  std::this_thread::sleep_for(seconds(2));
  AddFigures(agent, collect, report);
  return absl::OkStatus();
}

}  // namespace metsuke
