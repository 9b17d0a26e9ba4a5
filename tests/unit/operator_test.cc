// What operators are told, asked over gRPC in one process; the door, which
// lets nobody in without a certificate, has its tests elsewhere.

#include "controller/operator.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <ctime>
#include <future>

#include "controller/standing.h"
#include "controller/store/body.h"
#include "controller/store/sqlite.h"
#include "proto/canonical.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Weighs differently: a telnet port costs more than an FTP port.
constexpr char kBaseline[] = R"(
controls:
- id: no-telnet
  statements: [BZ-01]
  title: {en: No telnet, ja: telnet がない}
  severity: critical
  violations: SELECT port FROM ports WHERE port = 23
  flags: {ports: [{port: 23}]}
  clears: {ports: [{port: 22}]}
- id: no-ftp
  statements: [BZ-01]
  title: {en: No FTP, ja: FTP がない}
  severity: low
  violations: SELECT port FROM ports WHERE port = 21
  flags: {ports: [{port: 21}]}
  clears: {ports: [{port: 22}]}
)";

class OperatorTest : public testing::Test {
 protected:
  OperatorTest() {
    auto store = OpenSqliteStore(folder_.path());
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    baseline_ = *StandingBaseline::Load(*store_);
    v1::BaselineFile file;
    file.set_name("test.yaml");
    file.set_yaml(kBaseline);
    const auto applied = baseline_->Apply({file}, "test", 1);
    EXPECT_TRUE(applied.ok()) << applied.status();
    knocker_ = std::make_unique<Knocker>(
        *store_, [this](const ProbeTarget& target) { return probe_(target); });
    service_ = std::make_unique<OperatorService>(
        *store_, *knocker_, *baseline_, 60, "", [](const std::string&) {},
        std::time(nullptr) + 86400);
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::Operator::NewStub(server_->InProcessChannel({}));
  }

  // A host called `name` on which `port` is open; with port 0 the collector
  // could not look.
  void Join(const std::string& name, uint32_t port) {
    const std::string id =
        fmt::format("00000000-0000-4000-8000-{:012}", ++joined_);
    std::promise<void> met, kept;
    store_->Connect({.host = id,
                     .stream = std::string(16, 's'),
                     .version = "0.1.0",
                     .now = std::time(nullptr)},
                    [&](absl::StatusOr<Standing> standing) {
                      EXPECT_TRUE(standing.ok()) << standing.status();
                      met.set_value();
                    });
    met.get_future().wait();
    v1::Snapshot snapshot;
    snapshot.add_host()->set_hostname(name);
    snapshot.add_ports()->set_port(port);
    snapshot.add_ssh_endpoints()->set_listener("192.0.2.1:22");
    v1::Collection& ports = *snapshot.add_collections();
    ports.set_table("ports");
    ports.set_status(port != 0 ? "ok" : "permission_denied");
    HostUpdate update{.host = id,
                      .stream = std::string(16, 's'),
                      .seq = 1,
                      .now = std::time(nullptr),
                      .state = v1::State()};
    update.state->set_taken(update.now);
    for (const char* table : {"collections", "host", "ports", "ssh_endpoints"}) {
      update.bodies.push_back(
          MakeBody(table, CanonicalTable(snapshot, TableField(table))));
      v1::TableDigest& digest = *update.state->add_tables();
      digest.set_table(table);
      digest.set_digest(update.bodies.back().digest);
    }
    store_->Commit(std::move(update), [&](absl::Status status) {
      EXPECT_TRUE(status.ok()) << status;
      kept.set_value();
    });
    kept.get_future().wait();
  }

  // Names of the hosts in the order they are told; the sums go to `fleet_`.
  std::vector<std::string> Posture(uint32_t limit,
                                   const std::string& selector = "") {
    v1::PostureRequest request;
    request.set_limit(limit);
    request.set_selector(selector);
    grpc::ClientContext context;
    const auto stream = stub_->Posture(&context, request);
    std::vector<std::string> names;
    v1::PostureReply reply;
    while (stream->Read(&reply)) {
      for (const v1::HostPosture& host : reply.hosts())
        names.push_back(host.host());
      if (reply.has_fleet()) fleet_ = reply.fleet();
    }
    said_ = stream->Finish();
    return names;
  }

  // What the host's SSH servers are said to answer; `anyway` as in the request.
  v1::ProbedHost Probe(const std::string& host, bool anyway) {
    v1::ProbeRequest request;
    request.set_host(host);
    request.set_anyway(anyway);
    grpc::ClientContext context;
    const auto stream = stub_->ProbeSsh(&context, request);
    v1::ProbeReply reply;
    EXPECT_TRUE(stream->Read(&reply));
    EXPECT_EQ(reply.hosts_size(), 1);
    said_ = stream->Finish();
    return reply.hosts(0);
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<StandingBaseline> baseline_;
  Knocker::Run probe_;
  std::unique_ptr<Knocker> knocker_;
  std::unique_ptr<OperatorService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Operator::Stub> stub_;
  int joined_ = 0;
  v1::FleetPosture fleet_;
  grpc::Status said_;
};

TEST_F(OperatorTest, TheWorstHostsComeFirstAndTheSumsAreOfAll) {
  Join("a-ssh", 22);
  Join("b-ftp", 21);
  Join("c-telnet", 23);
  Join("d-telnet", 23);
  Join("e-ftp", 21);
  EXPECT_THAT(Posture(3), ElementsAre("c-telnet", "d-telnet", "b-ftp"));
  EXPECT_EQ(fleet_.hosts(), 5u);
  EXPECT_EQ(fleet_.critical(), 2u);
  EXPECT_EQ(fleet_.low(), 2u);
  EXPECT_EQ(fleet_.stale(), 0u);
  EXPECT_EQ(fleet_.distinct_states(), 5u);  // each has a name of its own
  EXPECT_THAT(Posture(1), ElementsAre("c-telnet"));
  EXPECT_THAT(Posture(9), ElementsAre("c-telnet", "d-telnet", "b-ftp", "e-ftp",
                                      "a-ssh"));
}

TEST_F(OperatorTest, AllHostsComeByName) {
  Join("b", 23);
  Join("c", 21);
  Join("a", 22);
  EXPECT_THAT(Posture(0), ElementsAre("a", "b", "c"));
  EXPECT_EQ(fleet_.hosts(), 3u);
}

TEST_F(OperatorTest, AHostThatCouldNotBeSeenIsNotWell) {
  Join("seen", 22);
  Join("unseen", 0);
  EXPECT_THAT(Posture(0), ElementsAre("seen", "unseen"));
  EXPECT_EQ(fleet_.unknown(), 1u);
  EXPECT_THAT(Posture(1), ElementsAre("unseen"));
}

TEST_F(OperatorTest, ASelectorThatCannotBeReadIsAnError) {
  Join("a", 22);
  Posture(0, "a b");
  EXPECT_EQ(said_.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(said_.error_message(), HasSubstr("a b"));
  EXPECT_TRUE(Posture(0, "role=web").empty());
  EXPECT_TRUE(said_.ok());
  EXPECT_EQ(fleet_.hosts(), 0u);
}

TEST_F(OperatorTest, AHostIsNotAskedSoOftenThatItMinds) {
  Join("a", 22);
  probe_ = [](const ProbeTarget& target) -> absl::StatusOr<v1::Snapshot> {
    v1::Snapshot rows;
    rows.add_ssh_endpoints()->set_listener(target.listener);
    return rows;
  };
  for (int i = 0; i < 4; ++i) {
    const v1::ProbedHost asked = Probe("a", false);
    EXPECT_EQ(asked.error(), "");
    ASSERT_EQ(asked.endpoints_size(), 1);
    EXPECT_EQ(asked.endpoints(0).listener(), "192.0.2.1:22");
  }
  const v1::ProbedHost refused = Probe("a", false);
  EXPECT_EQ(refused.endpoints_size(), 0);
  EXPECT_THAT(refused.error(), HasSubstr("or with --anyway"));
  EXPECT_EQ(Probe("a", true).endpoints_size(), 1);
  EXPECT_TRUE(said_.ok());
}

}  // namespace
}  // namespace metsuke
