// What exports are made of, asked of a store that holds a small fleet.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <ctime>
#include <future>
#include <thread>

#include "controller/metrics_file.h"
#include "controller/operator.h"
#include "controller/standing.h"
#include "controller/store/body.h"
#include "controller/store/sqlite.h"
#include "proto/canonical.h"
#include "proto/file.h"
#include "tests/unit/exported.h"
#include "tests/unit/ports_baseline.h"

namespace metsuke {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ExportTest : public testing::Test {
 protected:
  ExportTest()
      : store_(*OpenSqliteStore(folder_.path())),
        baseline_(*StandingBaseline::Load(*store_)),
        knocker_(*store_,
                 [](const ProbeTarget&) -> absl::StatusOr<v1::Snapshot> {
                   return absl::UnavailableError("nobody is asked");
                 }),
        service_(*store_, knocker_, *baseline_,
                 {.interval_seconds = 60,
                  .certificate_until = std::time(nullptr) + 86400}) {
    v1::BaselineFile file;
    file.set_name("test.yaml");
    file.set_yaml(kPortsBaseline);
    EXPECT_TRUE(baseline_->Apply({file}, "test", 1).ok());
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = v1::Operator::NewStub(server_->InProcessChannel({}));
  }

  // A host that has said nothing yet but that it is there; its id.
  std::string Meet() {
    const std::string id =
        fmt::format("00000000-0000-4000-8000-{:012}", ++joined_);
    std::promise<void> met;
    store_->Connect({.host = id,
                     .stream = std::string(16, 's'),
                     .version = "0.1.0",
                     .now = std::time(nullptr)},
                    [&](const absl::StatusOr<Standing>&) { met.set_value(); });
    met.get_future().wait();
    return id;
  }

  // A host called `name` on which `port` is open; with port 0 the collector
  // could not look.
  std::string Join(const std::string& name, uint32_t port) {
    const std::string id = Meet();
    v1::Snapshot snapshot;
    snapshot.add_host()->set_hostname(name);
    snapshot.add_ports()->set_port(port);
    v1::Collection& ports = *snapshot.add_collections();
    ports.set_table("ports");
    ports.set_status(port != 0 ? "ok" : "permission_denied");
    HostUpdate update{.host = id,
                      .stream = std::string(16, 's'),
                      .seq = 1,
                      .now = std::time(nullptr),
                      .state = v1::State()};
    update.state->set_taken(update.now);
    for (const char* table : {"collections", "host", "ports"}) {
      update.bodies.push_back(
          MakeBody(table, CanonicalTable(snapshot, TableField(table))));
      v1::TableDigest& digest = *update.state->add_tables();
      digest.set_table(table);
      digest.set_digest(update.bodies.back().digest);
    }
    std::promise<void> kept;
    store_->Commit(std::move(update), [&](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      kept.set_value();
    });
    kept.get_future().wait();
    return id;
  }

  // "HOST CONTROL VERDICT" of all that is exported.
  std::vector<std::string> Export(const v1::ExportRequest& request) {
    grpc::ClientContext context;
    const auto stream = stub_->Export(&context, request);
    std::vector<std::string> lines;
    v1::ExportReply reply;
    while (stream->Read(&reply)) {
      if (reply.has_head()) head_ = reply.head();
      if (reply.has_host()) {
        host_ = reply.host();
        posture_ = reply.posture();
      }
      for (const v1::Finding& finding : reply.findings())
        lines.push_back(fmt::format(
            "{} {} {}{}", posture_.host(), finding.control(),
            static_cast<int>(finding.verdict()),
            finding.waiver().empty() ? "" : " " + finding.waiver_approver()));
    }
    said_ = stream->Finish();
    return lines;
  }

  std::string Metrics() {
    grpc::ClientContext context;
    const auto stream = stub_->Metrics(&context, {});
    std::string text;
    v1::MetricsReply reply;
    while (stream->Read(&reply)) text += reply.piece();
    EXPECT_TRUE(stream->Finish().ok());
    return text;
  }

  void Waive(const std::string& host) {
    v1::AddWaiverRequest request;
    request.mutable_waiver()->set_control("no-telnet");
    request.mutable_waiver()->set_host(host);
    request.mutable_waiver()->set_reason("moves in March");
    request.mutable_waiver()->set_approver("鈴木");
    request.set_days(10);
    grpc::ClientContext context;
    v1::AddWaiverReply reply;
    const grpc::Status added = stub_->AddWaiver(&context, request, &reply);
    EXPECT_TRUE(added.ok()) << added.error_message();
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<StandingBaseline> baseline_;
  Knocker knocker_;
  OperatorService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Operator::Stub> stub_;
  int joined_ = 0;
  v1::ExportHead head_;
  v1::HostEntry host_;
  v1::HostPosture posture_;
  grpc::Status said_;
};

TEST_F(ExportTest, EachHostComesWithAllItsFindings) {
  Join("b", 23);
  Join("a", 0);
  EXPECT_THAT(Export({}), ElementsAre("a no-telnet 3", "a no-ftp 3",
                                      "b no-telnet 2", "b no-ftp 1"));
  EXPECT_EQ(head_.baseline(), baseline_->judge()->baseline().version);
  EXPECT_NEAR(head_.at(), std::time(nullptr), 5);
  EXPECT_EQ(posture_.fail(), 1u);
  EXPECT_EQ(host_.host(), "b");
  v1::ExportRequest request;
  request.set_host("a");
  EXPECT_EQ(Export(request).size(), 2u);
  request.set_host("nobody");
  Export(request);
  EXPECT_EQ(said_.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ExportTest, HostsOfOneNameAreEachTheirOwn) {
  Join("web01", 22);
  Join("web01", 23);
  EXPECT_THAT(Export({}), ElementsAre("web01 no-telnet 1", "web01 no-ftp 1",
                                      "web01 no-telnet 2", "web01 no-ftp 1"));
}

TEST_F(ExportTest, OfAHostThatNeverReportedAllIsUnknown) {
  const std::string id = Meet();
  EXPECT_THAT(Export({}), ElementsAre(id + " no-telnet 3", id + " no-ftp 3"));
  EXPECT_EQ(posture_.unknown(), 2u);
  EXPECT_TRUE(posture_.stale());
  auto read = Exported("metrics", Metrics());
  EXPECT_EQ(read["metsuke_hosts_unreported{}"], 1);
  EXPECT_FALSE(read.contains(
      fmt::format(R"(metsuke_host_score{{"host": "{0}", "id": "{0}"}})", id)));
  // That somebody gave it labels does not mean that it was looked at.
  ASSERT_TRUE(store_->SetLabels({id, {"role=web"}, {}}, "op", 1).ok());
  EXPECT_THAT(Export({}), ElementsAre(id + " no-telnet 3", id + " no-ftp 3"));
  EXPECT_EQ(Exported("metrics", Metrics())["metsuke_hosts_unreported{}"], 1);
}

TEST_F(ExportTest, AWaiverIsLaidOverTheOneHostItSpeaksOf) {
  Join("a", 23);
  Join("b", 23);
  Waive("b");
  EXPECT_THAT(Export({}), ElementsAre("a no-telnet 2", "a no-ftp 1",
                                      "b no-telnet 2 鈴木", "b no-ftp 1"));
  EXPECT_EQ(
      Exported("metrics", Metrics())
          [R"(metsuke_control_failed_hosts{"control": "no-telnet", "severity": "critical"})"],
      1);
}

TEST_F(ExportTest, MetricsAreTheSumsOfHosts) {
  Join("a", 23);
  Join("b", 21);
  Join("c", 0);
  auto read = Exported("metrics", Metrics());
  EXPECT_EQ(read["metsuke_hosts{}"], 3);
  EXPECT_EQ(read["metsuke_hosts_unknown{}"], 1);
  EXPECT_EQ(read[R"(metsuke_hosts_failed{"severity": "critical"})"], 1);
  EXPECT_EQ(
      read[R"(metsuke_control_failed_hosts{"control": "no-ftp", "severity": "low"})"],
      1);
  EXPECT_EQ(
      read[R"(metsuke_control_unknown_hosts{"control": "no-ftp", "severity": "low"})"],
      1);
}

// The state of the fleet changes under the file.
TEST_F(ExportTest, TheMetricsFileFollowsTheFleet) {
  const std::string path = folder_ / "metsuke.prom";
  Join("a", 23);
  const MetricsFile file(*store_, *baseline_,
                         {.path = path, .interval = 1, .certificate_until = 7});
  const auto has = [&](const std::string& text) {
    for (int i = 0; i < 100; ++i) {
      auto read = ReadFile(path);
      if (read.ok() && read->find(text) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  };
  EXPECT_TRUE(has("metsuke_hosts_failed{severity=\"critical\"} 1\n"));
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0644u);
  Waive("a");
  EXPECT_TRUE(has("metsuke_hosts_failed{severity=\"critical\"} 0\n"));
  Join("b", 22);
  EXPECT_TRUE(has("metsuke_hosts 2\n"));
}

TEST_F(ExportTest, AMetricsFileThatCannotBeWrittenIsToldOnceAndTriedAgain) {
  const std::string path = folder_ / "not/there/metsuke.prom";
  testing::internal::CaptureStderr();
  {
    const MetricsFile file(*store_, *baseline_, {.path = path, .interval = 1});
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    boost::filesystem::create_directories(folder_ / "not/there");
    for (int i = 0; i < 50 && !ReadFile(path).ok(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_TRUE(ReadFile(path).ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 2) << said;
  EXPECT_THAT(said, HasSubstr(path + ": create a file beside it"));
  EXPECT_THAT(said, HasSubstr("is written again"));
}

}  // namespace
}  // namespace metsuke
