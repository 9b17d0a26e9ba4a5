// What operators are told, asked over gRPC in one process; the door, which
// lets nobody in without a certificate, has its tests elsewhere.

#include "controller/operator.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <future>
#include <map>
#include <thread>

#include "controller/report/report.h"
#include "controller/standing.h"
#include "controller/store/body.h"
#include "controller/store/sqlite.h"
#include "proto/canonical.h"
#include "proto/instant.h"
#include "tests/unit/ports_baseline.h"
#include "tests/unit/run_sql.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class OperatorTest : public testing::Test {
 protected:
  OperatorTest() {
    auto store = OpenSqliteStore(folder_.path());
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    baseline_ = *StandingBaseline::Load(*store_);
    v1::BaselineFile file;
    file.set_name("test.yaml");
    file.set_yaml(kPortsBaseline);
    const auto applied = baseline_->Apply({file}, "test", 1);
    EXPECT_TRUE(applied.ok()) << applied.status();
    knocker_ = std::make_unique<Knocker>(
        *store_, [this](const ProbeTarget& target) { return probe_(target); });
    v1::DeliveryConfig delivery;
    v1::Recipient& recipient = *delivery.add_recipients();
    recipient.set_name("ops");
    recipient.add_mail("a@example.jp");
    recipient.add_mail("b@example.jp");
    v1::Recipient& part = *delivery.add_recipients();
    part.set_name("tokyo");
    part.set_directory("/r");
    part.set_hosts("zone=tokyo");
    service_ = std::make_unique<OperatorService>(
        *store_, *knocker_, *baseline_,
        OperatorOptions{.interval_seconds = 60,
                        .removed = [](const std::string&) {},
                        .certificate_until = std::time(nullptr) + 86400,
                        .delivery = delivery});
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::Operator::NewStub(server_->InProcessChannel({}));
  }

  // A host called `name` on which `port` is open, or now is; with port 0 the
  // collector could not look.
  void Join(const std::string& name, uint32_t port,
            int64_t now = std::time(nullptr)) {
    const auto [joined, fresh] = joined_.try_emplace(
        name, Joined{.number = joined_.size() + 1, .records = 0});
    const std::string id = fmt::format("00000000-0000-4000-8000-{:012}",
                                       joined->second.number);
    std::promise<void> met, kept;
    store_->Connect({.host = id,
                     .stream = std::string(16, 's'),
                     .version = "0.1.0",
                     .now = now},
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
                      .seq = ++joined->second.records,
                      .now = now,
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

  // What a query is answered, as far as one message has it.
  v1::QueryReply Ask(const std::string& sql, int64_t at = 0) {
    v1::QueryRequest request;
    request.set_sql(sql);
    request.set_at(at);
    grpc::ClientContext context;
    v1::QueryReply reply;
    EXPECT_TRUE(stub_->Query(&context, request)->Read(&reply));
    return reply;
  }

  // What the YAML changes, a line a row, or why it is refused.
  std::vector<std::string> Apply(const std::string& yaml, bool dry_run) {
    v1::ApplyRegistersRequest request;
    v1::BaselineFile& file = *request.add_files();
    file.set_name("my.yaml");
    file.set_yaml(yaml);
    request.set_dry_run(dry_run);
    grpc::ClientContext context;
    const auto stream = stub_->ApplyRegisters(&context, request);
    std::vector<std::string> lines;
    v1::ApplyRegistersReply reply;
    while (stream->Read(&reply))
      for (const v1::Change& change : reply.changes())
        lines.push_back(change.kind() + " " +
                        (change.key().empty() ? "" : change.key(0)));
    said_ = stream->Finish();
    if (!said_.ok()) lines.push_back(said_.error_message());
    return lines;
  }

  // The rows of a register; `kept` becomes whether anybody keeps it.
  v1::Registers Show(const std::string& name, int64_t at = 0) {
    v1::RegistersRequest request;
    request.set_name(name);
    request.set_at(at);
    grpc::ClientContext context;
    const auto stream = stub_->ShowRegisters(&context, request);
    v1::Registers rows;
    v1::RegistersReply reply;
    while (stream->Read(&reply)) {
      rows.MergeFrom(reply.rows());
      if (reply.registers_size() > 0) entry_ = reply.registers(0);
    }
    said_ = stream->Finish();
    return rows;
  }

  // Permits `control` to fail; `where` is a selector or, with a "@", a host.
  v1::Waiver Waive(const std::string& control, const std::string& where,
                   uint32_t days, int64_t from = 0) {
    v1::AddWaiverRequest request;
    v1::Waiver& waiver = *request.mutable_waiver();
    waiver.set_control(control);
    if (where.starts_with('@'))
      waiver.set_host(where.substr(1));
    else
      waiver.set_selector(where);
    waiver.set_reason("moves in March");
    waiver.set_approver("taro");
    waiver.set_from(from);
    request.set_days(days);
    grpc::ClientContext context;
    v1::AddWaiverReply reply;
    said_ = stub_->AddWaiver(&context, request, &reply);
    return reply.waiver();
  }

  // Ids of the waivers that are listed.
  std::vector<std::string> Waivers(bool all, int64_t ending = 0) {
    v1::WaiversRequest request;
    request.set_all(all);
    request.set_ending(ending);
    grpc::ClientContext context;
    const auto stream = stub_->ListWaivers(&context, request);
    std::vector<std::string> ids;
    v1::WaiversReply reply;
    while (stream->Read(&reply))
      for (const v1::WaiverEntry& entry : reply.waivers())
        ids.push_back(entry.waiver().id() + " " + entry.state());
    EXPECT_TRUE(stream->Finish().ok());
    return ids;
  }

  v1::HostPosture PostureOf(const std::string& host, int64_t at = 0) {
    v1::PostureRequest request;
    request.set_host(host);
    request.set_at(at);
    grpc::ClientContext context;
    const auto stream = stub_->Posture(&context, request);
    v1::HostPosture posture;
    v1::PostureReply reply;
    while (stream->Read(&reply)) {
      if (reply.hosts_size() > 0) posture = reply.hosts(0);
      if (reply.has_fleet()) fleet_ = reply.fleet();
    }
    EXPECT_TRUE(stream->Finish().ok());
    return posture;
  }

  v1::Finding FindingOf(const std::string& host, const std::string& control) {
    v1::FindingsRequest request;
    request.set_host(host);
    grpc::ClientContext context;
    const auto stream = stub_->Findings(&context, request);
    v1::Finding finding;
    v1::FindingsReply reply;
    while (stream->Read(&reply))
      if (reply.findings(0).control() == control) finding = reply.findings(0);
    EXPECT_TRUE(stream->Finish().ok());
    return finding;
  }

  static void WaitUntilAfter(int64_t instant) {
    while (std::time(nullptr) <= instant)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }

  absl::StatusOr<std::vector<std::string>> Label(
      const std::string& host, const std::vector<std::string>& labels) {
    const auto entry = store_->FindHost(host);
    return store_->SetLabels({entry->id(), labels, {}}, "hanako",
                             std::time(nullptr));
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<StandingBaseline> baseline_;
  Knocker::Run probe_;
  std::unique_ptr<Knocker> knocker_;
  std::unique_ptr<OperatorService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Operator::Stub> stub_;
  struct Joined {
    size_t number;
    uint64_t records;
  };
  std::map<std::string, Joined> joined_;
  v1::FleetPosture fleet_;
  v1::RegisterEntry entry_;
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

TEST_F(OperatorTest, RegistersAreAppliedShownAndTold) {
  Join("web01", 22);
  constexpr char kFile[] = R"(
admin_sources: [{network: 192.0.2.0/24, about: office}]
hosts: [{host: web01, owner: 田中 花子, role: web}]
)";
  EXPECT_THAT(Apply(kFile, true),
              ElementsAre("added network=192.0.2.0/24", "changed host=web01"));
  EXPECT_EQ(Show("admin_sources").admin_sources_size(), 0);
  EXPECT_FALSE(entry_.kept()) << "a dry run changes nothing";
  EXPECT_EQ(store_->FindHost("web01")->labels_size(), 0);
  EXPECT_EQ(Apply(kFile, false).size(), 2u);
  EXPECT_EQ(Show("admin_sources").admin_sources(0).about(), "office");
  EXPECT_TRUE(entry_.kept());
  EXPECT_EQ(entry_.by(), "unknown");  // there is no certificate here
  EXPECT_EQ(Show("hosts").hosts(0).owner(), "田中 花子");
  EXPECT_THAT(store_->FindHost("web01")->labels(),
              ElementsAre("owner=田中 花子", "role=web"));
  EXPECT_TRUE(Apply(kFile, false).empty()) << "twice is once";
  EXPECT_EQ(store_->RegisterHistory("admin_sources")->size(), 1u);
  EXPECT_THAT(Apply("admin_sources: [{network: x}]\nwaivers: []", false),
              ElementsAre(HasSubstr("my.yaml:1:27: admin_sources x: network")));
  Show("waivers");
  EXPECT_FALSE(entry_.kept()) << "one bad row refuses all";
  Show("admin_source");
  EXPECT_THAT(said_.error_message(), HasSubstr("did you mean admin_sources?"));
  EXPECT_EQ(Show("admin_sources", 5).admin_sources_size(), 0);
}

TEST_F(OperatorTest, AWaivedFailureCountsInOneScoreAlone) {
  Join("web", 23);
  Join("db", 23);
  ASSERT_TRUE(Label("web", {"role=web"}).ok());
  const v1::Waiver waiver = Waive("no-telnet", "role=web", 20);
  ASSERT_TRUE(said_.ok()) << said_.error_message();
  EXPECT_EQ(waiver.until(), waiver.from() + 20 * 86400);
  EXPECT_EQ(waiver.requester(), "unknown");
  const v1::HostPosture web = PostureOf("web");
  EXPECT_DOUBLE_EQ(web.score(), 100);
  EXPECT_DOUBLE_EQ(web.score_without_waivers(), 100.0 / 11);
  EXPECT_EQ(web.fail(), 1u);
  EXPECT_EQ(web.waived(), 1u);
  EXPECT_EQ(web.worst(), v1::SEVERITY_UNSPECIFIED) << "--fail-on sees none";
  const v1::HostPosture db = PostureOf("db");
  EXPECT_DOUBLE_EQ(db.score(), db.score_without_waivers());
  EXPECT_EQ(db.worst(), v1::SEVERITY_CRITICAL);
  Posture(0);
  EXPECT_EQ(fleet_.critical(), 1u);
  EXPECT_EQ(fleet_.waived(), 1u);
  const v1::Finding finding = FindingOf("web", "no-telnet");
  EXPECT_EQ(finding.verdict(), v1::VERDICT_FAIL);
  EXPECT_EQ(finding.evidence().rows_size(), 1);
  EXPECT_EQ(finding.waiver(), waiver.id());
  EXPECT_EQ(finding.waived_until(), waiver.until());
  EXPECT_EQ(finding.waiver_approver(), "taro");
  EXPECT_EQ(finding.waiver_reason(), "moves in March");
  EXPECT_EQ(FindingOf("db", "no-telnet").waiver(), "");
}

TEST_F(OperatorTest, AWaiverOfOneHostIsThatHostsAlone) {
  Join("a", 23);
  Join("b", 23);
  Waive("no-telnet", "@b", 20);
  ASSERT_TRUE(said_.ok()) << said_.error_message();
  EXPECT_THAT(Posture(0), ElementsAre("a", "b"));
  EXPECT_EQ(fleet_.waived(), 1u);
  EXPECT_EQ(PostureOf("a").waived(), 0u);
  EXPECT_EQ(PostureOf("b").waived(), 1u);
  EXPECT_NE(FindingOf("b", "no-telnet").waiver(), "");
  Waive("no-telnet", "@nobody", 20);
  EXPECT_THAT(said_.error_message(), HasSubstr("no host is called"));
}

TEST_F(OperatorTest, AWaiverEndsEarlyAndThePastKeepsIt) {
  Join("a", 23);
  ASSERT_TRUE(Label("a", {"role=web"}).ok());
  const int64_t before = std::time(nullptr);
  WaitUntilAfter(before);
  const v1::Waiver waiver = Waive("no-telnet", "role", 20);
  const v1::Waiver later =
      Waive("no-ftp", "role", 10, std::time(nullptr) + 86400);
  ASSERT_TRUE(said_.ok()) << said_.error_message();
  EXPECT_THAT(Waivers(false),
              ElementsAre(later.id() + " coming", waiver.id() + " in force"));
  EXPECT_THAT(Waivers(false, 14 * 86400), testing::IsEmpty());
  EXPECT_THAT(Waivers(false, 20 * 86400),
              ElementsAre(waiver.id() + " in force"));
  EXPECT_THAT(Waivers(false, 21 * 86400),
              ElementsAre(waiver.id() + " in force"));
  EXPECT_EQ(PostureOf("a").waived(), 1u);
  EXPECT_EQ(PostureOf("a", before).waived(), 0u) << "it was not known then";
  EXPECT_EQ(fleet_.waivers_ending(), 0u);
  // Its end is exclusive, so it must last for a second to have been there.
  WaitUntilAfter(waiver.from() + 1);
  v1::EndWaiverRequest request;
  request.set_id(waiver.id());
  v1::EndWaiverReply reply;
  const auto end = [&] {
    grpc::ClientContext context;
    return stub_->EndWaiver(&context, request, &reply);
  };
  ASSERT_TRUE(end().ok());
  EXPECT_EQ(PostureOf("a").waived(), 0u);
  EXPECT_EQ(PostureOf("a", waiver.from() + 1).waived(), 1u);
  EXPECT_EQ(end().error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Waivers(false).size(), 1u);
  EXPECT_EQ(Waivers(true).size(), 2u);
}

TEST_F(OperatorTest, WaiversThatEndSoonAreCounted) {
  Join("a", 23);
  Waive("no-telnet", "role", 14);
  Waive("no-ftp", "role", 15);
  Posture(0);
  EXPECT_EQ(fleet_.waivers_ending(), 1u);
}

TEST_F(OperatorTest, AWaiverIsRefusedWithTheReason) {
  Join("a", 23);
  for (const auto& [days, why] : {std::pair(0u, "either days, at least 1, or until"),
                                  {91u, "more than 90 days"},
                                  {4294967295u, "more than 90 days"}}) {
    Waive("no-telnet", "role", days);
    EXPECT_THAT(said_.error_message(), HasSubstr(why));
  }
  Waive("no-telnets", "role", 9);
  EXPECT_THAT(said_.error_message(), HasSubstr("did you mean no-telnet?"));
  Waive("no-telnet", "", 9);
  EXPECT_THAT(said_.error_message(), HasSubstr("either selector or host"));
  Waive("no-telnet", "role", 9, 100);
  EXPECT_THAT(said_.error_message(), HasSubstr("back-dated"));
  Waive("no-telnet", "role", 9, INT64_MAX);
  EXPECT_FALSE(said_.ok());
  EXPECT_THAT(Waivers(true), testing::IsEmpty());
}

TEST_F(OperatorTest, AQueryReadsRegistersBesideTheTables) {
  Join("a", 23);
  Apply("admin_sources: [{network: 192.0.2.0/24}]", false);
  const v1::QueryReply reply =
      Ask("SELECT network, port FROM admin_sources, ports");
  ASSERT_EQ(reply.rows().rows_size(), 1);
  EXPECT_EQ(reply.rows().rows(0).cells(1).text(), "192.0.2.0/24");
  EXPECT_TRUE(reply.incomplete().empty());
}

TEST_F(OperatorTest, RowsOfAHostThatIsSilentAreSaidToBeOld) {
  const int64_t now = std::time(nullptr);
  Join("a", 22, now - 1000);
  Join("b", 22, now);
  const std::string sql = "SELECT port FROM ports";
  EXPECT_THAT(Ask(sql).incomplete(),
              ElementsAre("a: silent since " + Rfc3339(now - 1000) +
                          ", and the rows are of then"));
  EXPECT_THAT(Ask(sql, now - 900).incomplete(), testing::IsEmpty());
}

TEST_F(OperatorTest, HostsThatAreNotSeenForOneReasonAreOneLine) {
  const int64_t now = std::time(nullptr);
  for (int i = 1; i <= 5; ++i)
    Join("h" + std::to_string(i), 22, now - 1000 * i);
  Join("new", 22, 0);
  const auto incomplete = Ask("SELECT port FROM ports").incomplete();
  EXPECT_THAT(incomplete,
              testing::Contains("h1, h2, h3 and 2 more: silent, the first since " +
                                Rfc3339(now - 5000) + ", the last since " +
                                Rfc3339(now - 1000) +
                                ", and the rows are of then"));
  EXPECT_THAT(incomplete, testing::Each(testing::Not(HasSubstr("1970"))));
}

TEST_F(OperatorTest, DamagedRowsOfAHostAreNotTheEndOfTheDrift) {
  const int64_t now = std::time(nullptr);
  for (const char* name : {"a", "b"}) Join(name, 22, now - 200);
  Join("a", 23, now - 50);
  Join("b", 24, now - 50);
  v1::Snapshot ports;
  ports.add_ports()->set_port(23);
  RunSql(folder_.path(),
         "UPDATE body SET zstd = x'28b52ffd' WHERE digest = x'" +
             Hex(MakeBody("ports", CanonicalTable(ports, TableField("ports")))
                     .digest) +
             "'");
  v1::DriftRequest request;
  request.set_from(now - 100);
  grpc::ClientContext context;
  const auto stream = stub_->Drift(&context, request);
  std::vector<std::string> incomplete, changed;
  for (v1::DriftReply reply; stream->Read(&reply);) {
    for (const std::string& reason : reply.incomplete())
      incomplete.push_back(reason);
    for (const v1::Change& change : reply.changes())
      changed.push_back(change.host() + " " + change.table());
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_THAT(incomplete, ElementsAre(AllOf(HasSubstr("a: "),
                                            HasSubstr("restore it"))));
  EXPECT_THAT(changed, testing::Contains("b ports"));
}

TEST_F(OperatorTest, HistoryTellsOfSilence) {
  const int64_t now = std::time(nullptr);
  Join("a", 22, now - 5000);
  store_->Touch("00000000-0000-4000-8000-000000000001", now);
  ASSERT_TRUE(store_->Forget(0).ok());
  v1::HistoryRequest request;
  request.set_host("a");
  grpc::ClientContext context;
  v1::HistoryReply reply;
  ASSERT_TRUE(stub_->History(&context, request)->Read(&reply));
  std::vector<std::pair<int64_t, int64_t>> silences;
  for (const v1::Silence& silence : reply.silences())
    if (silence.since() != 0)
      silences.emplace_back(silence.since(), silence.until());
  EXPECT_THAT(silences, ElementsAre(std::pair(now - 5000, now)));
  EXPECT_EQ(reply.spans_size(), 4);
}

TEST_F(OperatorTest, WhoBringsAWaiverIsNotTheirsToSay) {
  Join("a", 23);
  for (const char* key : {"id", "requester"}) {
    v1::AddWaiverRequest request;
    v1::Waiver& waiver = *request.mutable_waiver();
    waiver.set_control("no-telnet");
    waiver.set_selector("role");
    waiver.set_reason("moves in March");
    waiver.set_approver("taro");
    // As who calls is called here.
    if (key == std::string("id"))
      waiver.set_id("w-1");
    else
      waiver.set_requester("unknown");
    request.set_days(1);
    grpc::ClientContext context;
    v1::AddWaiverReply reply;
    said_ = stub_->AddWaiver(&context, request, &reply);
    EXPECT_THAT(said_.error_message(), HasSubstr("the controller's to set"))
        << key;
  }
}

TEST_F(OperatorTest, TheRegisterOfHostsAloneSetsTheirLabels) {
  Join("a", 22);
  EXPECT_THAT(Apply("hosts: [{host: a, owner: taro}]", true),
              ElementsAre("changed host=a"));
  EXPECT_EQ(Show("hosts").hosts(0).owner(), "");
  EXPECT_THAT(Apply("hosts: [{host: a, owner: taro}]", false),
              ElementsAre("changed host=a"));
  EXPECT_EQ(Show("hosts").hosts(0).owner(), "taro");
  EXPECT_THAT(Apply("hosts: [{host: a, owner: taro}]", false), testing::IsEmpty());
}

TEST_F(OperatorTest, AReportIsSentAgainToWhoeverIsARecipient) {
  const auto send = [&](const std::string& day, const std::string& to) {
    v1::SendRequest request;
    request.set_day(day);
    request.set_recipient(to);
    grpc::ClientContext context;
    v1::SendReply reply;
    said_ = stub_->SendReport(&context, request, &reply);
    return reply;
  };
  send("last", "ops");
  EXPECT_THAT(said_.error_message(), HasSubstr("no night has a report yet"));
  v1::ReportEntry entry;
  entry.set_day("2026-11-23");
  entry.set_to(1000);
  v1::Delivery done;
  done.set_day(entry.day());
  done.set_recipient("ops");
  done.set_address("a@example.jp");
  done.set_state("delivered");
  ASSERT_TRUE(store_->PutReport({.entry = entry, .deliveries = {done}}).ok());
  send("last", "opps");
  EXPECT_THAT(said_.error_message(), HasSubstr("did you mean ops?"));
  send("2026-11-22", "ops");
  EXPECT_THAT(said_.error_message(), HasSubstr("metsukectl report list"));
  EXPECT_EQ(store_->Deliveries("")->size(), 1u) << "nothing was changed";
  EXPECT_EQ(send("last", "ops").deliveries_size(), 2);
  EXPECT_TRUE(said_.ok()) << said_.error_message();

  grpc::ClientContext context;
  const auto stream = stub_->ListDeliveries(&context, {});
  v1::DeliveriesReply reply;
  std::vector<std::string> states;
  while (stream->Read(&reply))
    for (const v1::Delivery& delivery : reply.deliveries())
      states.push_back(delivery.address() + " " + delivery.state());
  EXPECT_THAT(states,
              ElementsAre("a@example.jp waiting", "b@example.jp waiting"));
}

TEST_F(OperatorTest, AReportOfOtherHostsThanWereAskedForIsMadeWhenItIsSent) {
  v1::Report report;
  report.set_day("2026-11-23");
  report.set_from(1000);
  report.set_to(2000);
  ASSERT_TRUE(store_
                  ->PutReport({.entry = EntryOf(report),
                               .bytes = ReportBytes(report)})
                  .ok());
  v1::SendRequest request;
  request.set_day("last");
  request.set_recipient("tokyo");
  grpc::ClientContext context;
  v1::SendReply reply;
  said_ = stub_->SendReport(&context, request, &reply);
  EXPECT_TRUE(said_.ok()) << said_.error_message();
  const auto bytes = store_->ReadReport("2026-11-23", "zone=tokyo");
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  v1::Report part;
  ASSERT_TRUE(part.ParseFromString(*bytes));
  EXPECT_EQ(part.day(), "2026-11-23");
  EXPECT_EQ(part.selector(), "zone=tokyo");
  EXPECT_EQ(part.from(), 1000);
  EXPECT_EQ(part.to(), 2000);
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

TEST_F(OperatorTest, WhoWasSilentIsAMatterOfTheTimeThatIsAskedFor) {
  const int64_t now = std::time(nullptr);
  Join("web", 22, now - 9000);
  const std::string id = "00000000-0000-4000-8000-000000000001";
  for (int64_t at = now - 4000; at < now; at += 800) store_->Touch(id, at);
  store_->Touch(id, now);
  ASSERT_TRUE(store_->Forget(0).ok());  // waits for its turn
  const int64_t silent = now - 6000, heard = now - 3000, future = now + 9999;
  EXPECT_TRUE(PostureOf("web", silent).stale());
  EXPECT_EQ(PostureOf("web", silent).last_seen(), now - 9000);
  for (const int64_t at : {int64_t{0}, heard, future})
    EXPECT_FALSE(PostureOf("web", at).stale()) << at - now;

  const auto exported = [&](int64_t at) {
    v1::ExportRequest request;
    request.set_at(at);
    grpc::ClientContext context;
    const auto stream = stub_->Export(&context, request);
    v1::HostEntry host;
    v1::ExportReply reply;
    while (stream->Read(&reply))
      if (reply.has_host()) host = reply.host();
    EXPECT_TRUE(stream->Finish().ok());
    return host;
  };
  EXPECT_TRUE(exported(silent).stale());
  EXPECT_EQ(exported(silent).last_seen(), now - 9000);
  EXPECT_FALSE(exported(heard).stale());
  EXPECT_EQ(exported(heard).last_seen(), 0) << "when it spoke is not known";
  EXPECT_EQ(exported(0).last_seen(), now);

  const auto incomplete = [&](int64_t from, int64_t to) {
    v1::DriftRequest request;
    request.set_from(from);
    request.set_to(to);
    grpc::ClientContext context;
    const auto stream = stub_->Drift(&context, request);
    int told = 0;
    v1::DriftReply reply;
    while (stream->Read(&reply)) told += reply.incomplete_size();
    EXPECT_TRUE(stream->Finish().ok());
    return told;
  };
  EXPECT_EQ(incomplete(silent - 1000, silent), 1);
  EXPECT_EQ(incomplete(silent, heard), 0);
  EXPECT_EQ(incomplete(silent, future), 0);
}

}  // namespace
}  // namespace metsuke
