// What operators are told of events and sessions, asked over gRPC in one
// process.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <ctime>
#include <future>

#include "controller/operator.h"
#include "controller/standing.h"
#include "controller/store/body.h"
#include "controller/store/sqlite.h"
#include "proto/canonical.h"
#include "proto/event_id.h"
#include "tests/unit/ports_baseline.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kHost[] = "00000000-0000-4000-8000-000000000001";
constexpr char kKey[] = "SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg";
// Begins ten minutes of the clock.
constexpr int64_t kStart = 1'795'369'800;

v1::Event Event(int64_t second, const std::string& kind,
                const std::string& service, const std::string& account) {
  v1::Event event;
  event.set_time(kStart + second);
  event.set_kind(kind);
  event.set_service(service);
  event.set_account(account);
  event.set_count(1);
  event.set_source("journal");
  event.set_session(fmt::format("b-{}", second));
  event.set_id(EventId(event.time() * 1'000'000, kind + service + account));
  return event;
}

v1::Event Failure(int64_t second, uint64_t count) {
  v1::Event event = Event(second, "login_failed", "ssh", "root");
  event.set_from("203.0.113.9");
  event.set_method("password");
  event.set_count(count);
  return event;
}

class OperatorEvents : public testing::Test {
 protected:
  OperatorEvents()
      : store_(*OpenSqliteStore(folder_.path())),
        baseline_(*StandingBaseline::Load(*store_)),
        knocker_(*store_, [](const ProbeTarget&) { return v1::Snapshot(); }),
        service_(*store_, knocker_, *baseline_,
                 OperatorOptions{.interval_seconds = 60,
                                 .removed = [](const std::string&) {}}) {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = v1::Operator::NewStub(server_->InProcessChannel({}));
    std::promise<void> met;
    store_->Connect({.host = kHost,
                     .stream = std::string(16, 's'),
                     .version = "0.1.0",
                     .now = kStart},
                    [&](const absl::StatusOr<Standing>&) { met.set_value(); });
    met.get_future().wait();
    EXPECT_TRUE(
        store_->SetLabels({kHost, {"role=web"}, {}}, "hanako", kStart).ok());
  }

  // What one look of the agent found.
  void Look(std::vector<v1::Event> events) {
    std::promise<absl::Status> kept;
    store_->Commit({.host = kHost,
                    .stream = std::string(16, 's'),
                    .seq = ++records_,
                    .now = kStart + 900,
                    .events = std::move(events)},
                   [&](absl::Status status) { kept.set_value(status); });
    EXPECT_TRUE(kept.get_future().get().ok());
  }

  void Keep(const std::string& yaml) {
    v1::ApplyRegistersRequest request;
    request.add_files()->set_name("my.yaml");
    request.mutable_files(0)->set_yaml(yaml);
    grpc::ClientContext context;
    const auto stream = stub_->ApplyRegisters(&context, request);
    v1::ApplyRegistersReply reply;
    while (stream->Read(&reply)) continue;
    const grpc::Status said = stream->Finish();
    EXPECT_TRUE(said.ok()) << said.error_message();
  }

  // As "SECOND KIND ACCOUNT COUNT PERSON".
  std::vector<std::string> Events(const v1::EventsRequest& request = {}) {
    grpc::ClientContext context;
    const auto stream = stub_->ListEvents(&context, request);
    std::vector<std::string> lines;
    v1::EventsReply reply;
    while (stream->Read(&reply))
      for (const v1::HostEvent& entry : reply.events())
        lines.push_back(
            fmt::format("{} {} {} {} {}", entry.event().time() - kStart,
                        entry.event().kind(), entry.event().account(),
                        entry.event().count(), entry.person()));
    said_ = stream->Finish();
    kept_ = reply.persons_kept();
    return lines;
  }

  // As "ACCOUNT PERSON".
  std::vector<std::string> Sessions(const std::string& person = "") {
    v1::EventsRequest request;
    request.set_person(person);
    grpc::ClientContext context;
    const auto stream = stub_->ListSessions(&context, request);
    std::vector<std::string> lines;
    v1::SessionsReply reply;
    while (stream->Read(&reply))
      for (const v1::HostSession& session : reply.sessions())
        lines.push_back(session.account() + " " + session.person());
    said_ = stream->Finish();
    kept_ = reply.persons_kept();
    return lines;
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<StandingBaseline> baseline_;
  Knocker knocker_;
  OperatorService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Operator::Stub> stub_;
  uint64_t records_ = 0;
  grpc::Status said_;
  bool kept_ = false;
};

// Three failures within ten seconds that span two looks.
TEST_F(OperatorEvents, FailuresOfSeveralLooksAreOneForTenMinutes) {
  Look({Failure(3, 1)});
  Look({Failure(8, 2), Event(9, "login", "ssh", "alice")});
  Look({Failure(650, 1)});
  EXPECT_THAT(Events(),
              ElementsAre("3 login_failed root 3 ", "9 login alice 1 ",
                          "650 login_failed root 1 "));
  v1::EventsRequest request;
  request.add_kinds("login_failed");
  request.set_from("203.0.113.0/24");
  EXPECT_THAT(Events(request), ElementsAre("3 login_failed root 3 ",
                                           "650 login_failed root 1 "));
  // What came stays what it is: the same again is not counted again.
  Look({Failure(3, 1), Failure(8, 2)});
  EXPECT_THAT(Events(request), ElementsAre("3 login_failed root 3 ",
                                           "650 login_failed root 1 "));
}

TEST_F(OperatorEvents, AndSessionsAreTiedToPersons) {
  v1::Event by_key = Event(1, "login", "ssh", "root");
  by_key.set_method("publickey");
  by_key.set_detail(std::string("ED25519 ") + kKey);
  v1::Event sudo = Event(3, "login", "sudo", "root");
  sudo.set_actor("alice");
  Look({by_key, Event(2, "login", "ssh", "alice"), sudo});
  EXPECT_THAT(Sessions(), ElementsAre("root ", "alice ", "root "));
  EXPECT_FALSE(kept_);
  EXPECT_THAT(Sessions("Hanako"), IsEmpty());
  EXPECT_EQ(said_.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(said_.error_message(), HasSubstr("nobody has kept"));

  Keep(
      "persons:\n- {identity: alice, selector: role=web, person: Alice}\n"
      "- {identity: alice, selector: role, person: 田中 花子}\n"
      "- {identity: alice, selector: role=db, person: Bob}\n"
      "- {identity: \"" +
      std::string(kKey) + "\", person: Hanako}\n");
  EXPECT_THAT(Sessions(), ElementsAre("root Hanako", "alice Alice or 田中 花子",
                                      "root Alice or 田中 花子"));
  EXPECT_TRUE(kept_);
  EXPECT_THAT(Sessions("Hanako"), ElementsAre("root Hanako"));
  EXPECT_THAT(Sessions("Alice"), ElementsAre("alice Alice or 田中 花子",
                                             "root Alice or 田中 花子"));
  v1::EventsRequest request;
  request.set_person("Hanako");
  EXPECT_THAT(Events(request), ElementsAre("1 login root 1 Hanako"));
  EXPECT_TRUE(kept_);
  EXPECT_THAT(Sessions("Bob"), IsEmpty());
  EXPECT_TRUE(said_.ok()) << "he is known, and was not there";
  Sessions("Hanoko");
  EXPECT_THAT(said_.error_message(),
              AllOf(HasSubstr("has no Hanoko"), HasSubstr("mean Hanako?")));
  // Kept and empty is known: nobody is in it.
  Keep("persons: []");
  EXPECT_THAT(Sessions(), ElementsAre("root ", "alice ", "root "));
  EXPECT_TRUE(kept_);
}

}  // namespace
}  // namespace metsuke
