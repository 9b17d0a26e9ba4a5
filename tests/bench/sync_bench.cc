#include <fmt/format.h>

#include <ctime>
#include <future>

#include "authority.h"
#include "bench.h"
#include "controller/store/body.h"
#include "controller/store/sqlite.h"
#include "echo.h"
#include "folder.h"
#include "measure.h"
#include "proto/canonical.h"
#include "proto/status.h"
#include "pump.h"

namespace metsuke {
namespace {

constexpr double kTarget = 0.40;
constexpr char kSyncMethod[] = "/metsuke.v1.Sync/Sync";

std::string StreamOf(int host) { return fmt::format("{:016}", host); }

v1::State StateOf(const TableBody& body) {
  v1::State state;
  state.set_taken(1000);
  state.add_tables()->set_table(body.table);
  state.mutable_tables(0)->set_digest(body.digest);
  return state;
}

// The controller knows all hosts and their state before anything is measured.
absl::Status Introduce(const std::vector<Credential>& hosts,
                       const TableBody& body, Store& store) {
  for (size_t i = 0; i < hosts.size(); ++i) {
    Contact contact{hosts[i].identity.name, StreamOf(static_cast<int>(i)),
                    "bench", 1000};
    store.Connect(contact, [](absl::StatusOr<Standing>) {});
    std::promise<absl::Status> stored;
    store.Commit({.host = contact.host,
                  .stream = contact.stream,
                  .seq = 1,
                  .now = 1000,
                  .state = StateOf(body),
                  .bodies = {body},
                  .losses = {}},
                 [&](absl::Status status) { stored.set_value(status); });
    RETURN_IF_ERROR(stored.get_future().get());
  }
  return absl::OkStatus();
}

// Heartbeats, and at the end one with another digest, which the controller
// answers with Want: everything before it has then been taken.
Script Heartbeats(int host, int count, const std::string& state) {
  v1::AgentMessage hello, same, other;
  hello.mutable_hello()->set_stream(StreamOf(host));
  hello.mutable_hello()->set_first_seq(2);
  hello.mutable_hello()->set_next_seq(2);
  hello.mutable_hello()->set_version("bench");
  same.mutable_heartbeat()->set_state(state);
  other.mutable_heartbeat()->set_state(Sha256("another"));
  return {.first = hello.SerializeAsString(),
          .message = same.SerializeAsString(),
          .count = count,
          .last = other.SerializeAsString(),
          .replies = 1};
}

struct Rates {
  std::vector<double> sync, echo, sink, to_echo, to_sink;
};

absl::Status Measure(const BenchOptions& options, Report& report) {
  const Folder folder;
  ASSIGN_OR_RETURN(const BenchAuthority authority, BenchAuthority::Make(folder));
  ASSIGN_OR_RETURN(const Credential own, authority.Issue("controller", "one"));
  std::vector<Credential> hosts;
  for (int i = 0; i < options.connections; ++i) {
    ASSIGN_OR_RETURN(hosts.emplace_back(), authority.Enrol());
  }
  ASSIGN_OR_RETURN(const auto store, OpenSqliteStore(folder.Make("store")));
  v1::Snapshot snapshot;
  snapshot.add_host()->set_hostname("bench");
  const TableBody body =
      MakeBody("host", CanonicalTable(snapshot, TableField("host")));
  RETURN_IF_ERROR(Introduce(hosts, body, *store));
  const std::string state = StateDigest(StateOf(body));
  const std::string message =
      Heartbeats(0, options.messages, state).message;

  SyncService sync(*store, 300, nullptr);
  ASSIGN_OR_RETURN(const auto server, StartServer(own, sync, {}));
  ASSIGN_OR_RETURN(const auto echo, Echo::Start(own));
  // A write that waits is in the store after all that was queued before it.
  const auto stored = [&] {
    return store->SetLabels({hosts[0].identity.name, {"a=b"}, {}}, "bench", 1)
        .status();
  };
  const auto at_once = [] { return absl::OkStatus(); };
  const std::string mark(kAnsweredBytes, 'x');
  const double all = double{1} * options.connections * options.messages;
  Rates rates;
  for (int round = 0; round < options.rounds; ++round) {
    ASSIGN_OR_RETURN(
        const Cost ours,
        RunPumps(server->port(), kSyncMethod, hosts,
                 [&](int host) {
                   return Heartbeats(host, options.messages, state);
                 },
                 stored));
    const auto bare = [&](const char* method, int replies) {
      return RunPumps(echo->port(), method, hosts,
                      [&](int) {
                        return Script{mark, message, options.messages, mark,
                                      replies};
                      },
                      at_once);
    };
    ASSIGN_OR_RETURN(const Cost echoed, bare(kEcho, options.messages + 1));
    ASSIGN_OR_RETURN(const Cost sunk, bare(kSink, 1));
    rates.sync.push_back(all / ours.wall);
    rates.echo.push_back(all / echoed.wall);
    rates.sink.push_back(all / sunk.wall);
    rates.to_echo.push_back(echoed.wall / ours.wall);
    rates.to_sink.push_back(sunk.wall / ours.wall);
  }
  const double ratio = Median(rates.to_echo);
  report.Add({"unchanged states, of the bare echo's rate",
              fmt::format("{:.0f} %", ratio * 100),
              fmt::format("{}/s; echo {}/s", ShowCount(Median(rates.sync)),
                          ShowCount(Median(rates.echo))),
              "at least 40 %", ratio >= kTarget});
  report.Add({"unchanged states, of a bare sink's rate",
              fmt::format("{:.0f} %", Median(rates.to_sink) * 100),
              fmt::format("sink, which reads and answers nothing, {}/s",
                          ShowCount(Median(rates.sink)))});
  return absl::OkStatus();
}

}  // namespace

absl::Status BenchSync(const BenchOptions& options, Report& report) {
  report.Section(
      "Unchanged states",
      fmt::format(
          "{} hosts with a connection and a certificate each send {} "
          "heartbeats as fast as they can; it ends when the store has all of "
          "them on disk. The echo is gRPC alone with the same TLS, clients and "
          "messages. Clients and server are one process; medians of {} rounds "
          "that take turns.",
          options.connections, ShowCount(options.messages), options.rounds));
  return Measure(options, report);
}

}  // namespace metsuke
