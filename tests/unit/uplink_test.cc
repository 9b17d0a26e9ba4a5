// The agent's link against the controller's own server, over TLS on loopback.

#include "agent/uplink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <ctime>
#include <functional>

#include "agent/settings.h"
#include "collectors/notify.h"
#include "controller/server.h"
#include "controller/store/sqlite.h"
#include "controller/sync_service.h"
#include "proto/canonical.h"
#include "proto/file.h"
#include "proto/grpc_tls.h"
#include "proto/snapshot.pb.h"
#include "proto/message_ids.h"
#include "tests/unit/own_journal.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

class UplinkTest : public testing::Test {
 protected:
  UplinkTest()
      : own_(fleet_.Issued("controller", "main")), folder_(fleet_ / "agent") {
    boost::filesystem::create_directory(fleet_ / "store");
    store_ = *OpenSqliteStore(fleet_ / "store");
    boost::filesystem::create_directory(folder_);
    boost::filesystem::permissions(folder_, boost::filesystem::owner_all);
    spool_ = *Spool::Open(folder_ + "/spool", kDefaultSpoolBytes, 1000);
    config_.set_state(folder_);
  }

  // Joins the fleet with a certificate that began `age` seconds ago.
  void Enrol(int64_t age = 60, int64_t life = 7200) {
    const int64_t then = std::time(nullptr) - age;
    const std::string key = *MakeKey();
    const auto issuer = Issuer::Load(fleet_.state());
    const auto ledger = Ledger::Open(fleet_.state());
    const auto token =
        (*ledger)->CreateToken(v1::TokenRequest(), issuer->pin(), then);
    ASSERT_TRUE(token.ok()) << token.status();
    v1::EnrolRequest request;
    request.set_token(token->id);
    request.set_secret(token->secret);
    const KeyPtr parsed = ParseKey(key);
    const auto grant = (*ledger)->GrantHost(
        request, {KeyDigest(parsed.get()), then, life, issuer->ends()});
    ASSERT_TRUE(grant.ok()) << grant.status();
    host_ = grant->name();
    ASSERT_TRUE(StoreIdentity(folder_, key,
                              *issuer->Issue(*grant, parsed.get(), {}),
                              issuer->root())
                    .ok());
  }

  absl::StatusOr<std::string> Renew(const std::string& host,
                                    const std::string& request) {
    ++renewed_;
    if (refuse_renewal_) return absl::UnavailableError("the authority is away");
    const auto issuer = Issuer::Load(fleet_.state());
    const auto ledger = Ledger::Open(fleet_.state());
    ASSIGN_OR_RETURN(const KeyPtr key, RequestedKey(request));
    ASSIGN_OR_RETURN(
        const Grant grant,
        (*ledger)->GrantRenewal(host, {KeyDigest(key.get()), std::time(nullptr),
                                       7200, issuer->ends()}));
    return issuer->Issue(grant, key.get(), {});
  }

  void Serve(int port = 0) {
    const v1::ControllerConfig config = *ReadControllerConfig(
        "test", "listen: 127.0.0.1:" + std::to_string(port) +
                    "\nstate: /\ncertificate: c\nkey: k\nroot: r\n");
    sync_ = std::make_unique<SyncService>(
        *store_, 300, [this](const std::string& host, const std::string& csr) {
          return Renew(host, csr);
        });
    auto server = Server::Start(config, own_, {.sync = sync_.get()});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    config_.set_controller("127.0.0.1:" + std::to_string(server_->port()));
  }

  void StopServing() {
    server_.reset();
    sync_.reset();
  }

  ~UplinkTest() override {
    uplink_.reset();
    StopServing();
  }

  void Record(const std::string& program,
              Uplink::Clock::time_point now = Uplink::Clock::now()) {
    v1::Snapshot snapshot;
    snapshot.add_ports()->set_program(program);
    const std::string bytes = CanonicalTable(snapshot, TableField("ports"));
    v1::State state;
    state.set_taken(std::time(nullptr));
    state.add_tables()->set_table("ports");
    state.mutable_tables(0)->set_digest(Sha256(bytes));
    const Spool::Table table{Sha256(bytes), bytes};
    ASSERT_TRUE(spool_->Append(state, {&table, 1}, 1000).ok());
    if (uplink_) uplink_->Recorded(now);
  }

  // What was recorded is acknowledged, and then the controller goes away.
  void ReportAndLoseTheController() {
    Enrol();
    Serve();
    Record("sshd");
    ASSERT_TRUE(Drained());
    StopServing();
    ASSERT_TRUE(Says("127.0.0.1"));
  }

  // Lets the link work until `done`; false when that takes too long.
  bool Until(const std::function<bool()>& done) {
    if (!uplink_)
      uplink_ = std::make_unique<Uplink>(config_, *spool_, mailbox_,
                                         [] { return 0.2; });
    const auto end = Uplink::Clock::now() + std::chrono::seconds(20);
    while (!done() && Uplink::Clock::now() < end) {
      uplink_->Tick(Uplink::Clock::now());
      pollfd file{mailbox_.descriptor(), POLLIN, 0};
      poll(&file, 1, 20);
      for (Event& event : mailbox_.Take()) {
        if (auto* message = std::get_if<event::Message>(&event))
          uplink_->On(std::move(*message));
        else if (auto* written = std::get_if<event::Written>(&event))
          uplink_->On(*written);
        else if (auto* closed = std::get_if<event::Closed>(&event))
          uplink_->On(*closed);
      }
    }
    return done();
  }

  bool Drained() {
    return Until([&] { return spool_->empty(); });
  }
  // At this moment: to wait would let it connect again.
  bool Connected() const {
    return uplink_->status().starts_with("connected to");
  }
  bool Says(const std::string& text) {
    return Until([&] {
      return uplink_ && uplink_->status().find(text) != std::string::npos;
    });
  }

  const TestFleet fleet_;
  const Credential own_;
  const std::string folder_;
  std::string host_;
  v1::AgentConfig config_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SyncService> sync_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Spool> spool_;
  Mailbox mailbox_;
  std::unique_ptr<Uplink> uplink_;
  std::atomic<int> renewed_ = 0;
  std::atomic<bool> refuse_renewal_ = false;
};

TEST_F(UplinkTest, ReportsWhatIsRecordedAndFreesWhatIsAcknowledged) {
  Enrol();
  Serve();
  Record("sshd");
  ASSERT_TRUE(Drained());
  Record("nginx");
  ASSERT_TRUE(Drained());
  EXPECT_EQ(uplink_->interval_seconds(), 300u);
  const auto fleet = store_->ReadFleet({}, 0);
  ASSERT_TRUE(fleet.ok());
  ASSERT_EQ(fleet->hosts.size(), 1u);
  EXPECT_EQ(fleet->hosts[0].entry.id(), host_);
  EXPECT_EQ(fleet->hosts[0].entry.agent_version(), "0.1.0");
  EXPECT_EQ(fleet->states[0]->digest, StateDigest(*spool_->current()));
}

TEST_F(UplinkTest, ComesBackWhenTheControllerDoes) {
  Enrol();
  Serve();
  Record("sshd");
  ASSERT_TRUE(Drained());
  const int port = server_->port();
  StopServing();
  ASSERT_TRUE(Says("cannot reach"));
  Record("nginx");
  Serve(port);
  ASSERT_TRUE(Drained());
  EXPECT_TRUE(Says("connected to"));
}

TEST_F(UplinkTest, ARemovedHostIsRefusedAndKeepsItsRecords) {
  Enrol();
  Serve();
  Record("sshd");
  ASSERT_TRUE(Drained());
  ASSERT_TRUE(store_->RemoveHost(host_, std::time(nullptr)).ok());
  sync_->Drop(host_);
  Record("nginx");
  EXPECT_TRUE(Says("refused by 127.0.0.1"));
  EXPECT_FALSE(spool_->empty());
}

// A controller that takes every message and says at most Welcome.
class Silent : public v1::Sync::CallbackService {
 public:
  explicit Silent(bool welcomes) : welcomes_(welcomes) {}

  grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage>* Sync(
      grpc::CallbackServerContext*) override {
    class Reactor
        : public grpc::ServerBidiReactor<v1::AgentMessage,
                                         v1::ControllerMessage> {
     public:
      Reactor(bool welcomes, Silent& service) : service_(service) {
        StartRead(&in_);
        out_.mutable_welcome();
        if (welcomes) StartWrite(&out_);
      }
      void OnReadDone(bool ok) override {
        if (!ok) return Finish(grpc::Status::OK);
        if (in_.has_heartbeat()) ++service_.heartbeats_;
        ++service_.heard_;
        StartRead(&in_);
      }
      void OnDone() override { delete this; }

     private:
      Silent& service_;
      v1::AgentMessage in_;
      v1::ControllerMessage out_;
    };
    return new Reactor(welcomes_, *this);
  }

  std::atomic<int> heard_ = 0, heartbeats_ = 0;

 private:
  const bool welcomes_;
};

// A server on loopback with this service and nothing else; the controller of
// `config` from now on.
struct SilentServer {
  SilentServer(const Credential& own, v1::AgentConfig& config, bool welcomes)
      : service(welcomes) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", ServerTls(own), &port);
    builder.RegisterService(&service);
    server = builder.BuildAndStart();
    config.set_controller("127.0.0.1:" + std::to_string(port));
  }
  Silent service;
  std::unique_ptr<grpc::Server> server;
};

// The controller was away while the host was looked at; 30 s are the least
// interval.
TEST_F(UplinkTest, SaysOnANewStreamThatNothingHadChanged) {
  ReportAndLoseTheController();
  uplink_->Unchanged(Uplink::Clock::now() - std::chrono::seconds(30));
  SilentServer silent(own_, config_, /*welcomes=*/true);
  EXPECT_TRUE(Until([&] { return silent.service.heartbeats_ == 1; }));
  EXPECT_EQ(silent.service.heard_, 2);
  uplink_.reset();
}

TEST_F(UplinkTest, DoesNotSpeakOfALookThatIsOld) {
  ReportAndLoseTheController();
  uplink_->Unchanged(Uplink::Clock::now() - std::chrono::seconds(40));
  SilentServer silent(own_, config_, /*welcomes=*/true);
  ASSERT_TRUE(Says("connected to"));
  Record("nginx");
  ASSERT_TRUE(Until([&] { return silent.service.heard_ == 2; }));
  EXPECT_EQ(silent.service.heartbeats_, 0);
  uplink_.reset();
}

TEST_F(UplinkTest, HangsUpOnAControllerThatNeverSaysWelcome) {
  Enrol();
  SilentServer silent(own_, config_, /*welcomes=*/false);
  ASSERT_TRUE(Until([&] { return silent.service.heard_ == 1; }));
  const auto now = Uplink::Clock::now();
  EXPECT_LE(uplink_->next(), now + std::chrono::seconds(60));
  uplink_->Tick(now + std::chrono::seconds(50));
  EXPECT_EQ(uplink_->status(), "not connected yet");
  uplink_->Tick(now + std::chrono::seconds(61));
  EXPECT_EQ(uplink_->status(), config_.controller() +
                                   " does not answer: silent for 60 s");
  EXPECT_TRUE(Until([&] { return silent.service.heard_ == 2; }))
      << "it connects again";
  uplink_.reset();
}

TEST_F(UplinkTest, HangsUpOnAControllerThatNeverAcknowledges) {
  Enrol();
  SilentServer silent(own_, config_, /*welcomes=*/true);
  ASSERT_TRUE(Says("connected to"));
  uplink_->Tick(Uplink::Clock::now() + std::chrono::hours(1));
  EXPECT_TRUE(Connected()) << "it owes no answer";
  Record("sshd");
  ASSERT_TRUE(Until([&] { return silent.service.heard_ == 2; }));
  uplink_->Tick(Uplink::Clock::now() + std::chrono::seconds(110));
  EXPECT_TRUE(Connected());
  uplink_->Tick(Uplink::Clock::now() + std::chrono::seconds(121));
  EXPECT_EQ(uplink_->status(),
            config_.controller() +
                " does not acknowledge record 1: silent for 120 s");
  EXPECT_FALSE(spool_->empty());
  uplink_.reset();
}

TEST_F(UplinkTest, AControllerThatOwedNothingHasTimeToAcknowledge) {
  Enrol();
  SilentServer silent(own_, config_, /*welcomes=*/true);
  ASSERT_TRUE(Says("connected to"));
  // Nothing changed for an hour.
  const auto later = Uplink::Clock::now() + std::chrono::hours(1);
  Record("sshd", later);
  uplink_->Tick(later + std::chrono::seconds(110));
  EXPECT_TRUE(Connected()) << uplink_->status();
  uplink_->Tick(later + std::chrono::seconds(121));
  EXPECT_THAT(uplink_->status(),
              testing::HasSubstr("does not acknowledge record 1"));
  uplink_.reset();
}

TEST_F(UplinkTest, RenewsAtHalfOfTheCertificatesLife) {
  Enrol(5000, 7200);
  const std::string before = LoadIdentity(folder_)->identity.serial;
  Serve();
  ASSERT_TRUE(Until([&] {
    return LoadIdentity(folder_)->identity.serial != before &&
           !boost::filesystem::exists(folder_ + "/identity.previous.pem");
  })) << "the new one was seen to work";
  EXPECT_EQ(renewed_, 1);
  Record("sshd");
  EXPECT_TRUE(Drained());
  EXPECT_EQ(renewed_, 1);
}

TEST_F(UplinkTest, ARefusedRenewalIsToldWithItsIdAndTriedAgain) {
  OwnJournal journal;
  ASSERT_TRUE(journal.ok()) << strerror(errno) << "; it takes root";
  Enrol(5000, 7200);
  refuse_renewal_ = true;
  Serve();
  std::map<std::string, std::string> told;
  const auto is_told = [&] {
    for (auto& record : journal.Take())
      if (record["MESSAGE_ID"] == kCertificateNotRenewed) told = record;
    return !told.empty();
  };
  ASSERT_TRUE(Until(is_told));
  EXPECT_EQ(told["MESSAGE"],
            "the controller does not renew the certificate: certificate "
            "renewal: the authority is away");
  EXPECT_TRUE(Connected());
  EXPECT_EQ(renewed_, 1);
  refuse_renewal_ = false;
  const std::string before = LoadIdentity(folder_)->identity.serial;
  uplink_->Tick(Uplink::Clock::now() + std::chrono::seconds(601));
  EXPECT_TRUE(Until(
      [&] { return LoadIdentity(folder_)->identity.serial != before; }));
}

TEST_F(UplinkTest, KeepsAYoungCertificate) {
  Enrol(60, 7200);
  Serve();
  Record("sshd");
  ASSERT_TRUE(Drained());
  EXPECT_EQ(renewed_, 0);
}

TEST_F(UplinkTest, SaysWhatIsWrongWithItsOwnCertificate) {
  Serve();
  EXPECT_TRUE(Says("not enrolled"));
  Enrol(7200, 3600);
  EXPECT_TRUE(Says("expired at "));
  EXPECT_TRUE(Says("the clock here says "));
}

TEST_F(UplinkTest, AControllerOfAnotherFleetIsNotSpokenTo) {
  const TestFleet other;
  Enrol();
  Serve();
  ASSERT_TRUE(WriteFile(folder_ + "/root.pem",
                        Issuer::Load(other.state())->root(), 0600)
                  .ok());
  Record("sshd");
  EXPECT_TRUE(Says("cannot reach"));
  EXPECT_EQ(store_->ReadFleet({}, 0)->hosts.size(), 0u);
  EXPECT_FALSE(spool_->empty());
}

TEST(Describe, SaysWhoRefusedWhyAndInOneLine) {
  EXPECT_EQ(Describe({grpc::StatusCode::UNAUTHENTICATED, "expired"}, "c:1"),
            "refused by c:1: it does not accept this host's certificate: "
            "expired");
  EXPECT_EQ(
      Describe({grpc::StatusCode::PERMISSION_DENIED, "removed\x1b[2J"}, "c:1"),
      "refused by c:1: removed\\x1b[2J");
  EXPECT_EQ(Describe({grpc::StatusCode::RESOURCE_EXHAUSTED, "full"}, "c:1"),
            "stream to c:1 ended: resource_exhausted: full");
  EXPECT_EQ(Describe(grpc::Status(), "c:1"), "c:1 closed the stream");
}

TEST(LoadSettings, FillsInDefaultsAndRefusesWhatCannotBe) {
  const TemporaryFolder folder;
  const auto load = [&](const std::string& yaml) {
    EXPECT_TRUE(WriteFile(folder / "agent.yaml", yaml, 0600).ok());
    return LoadSettings(folder / "agent.yaml");
  };
  const auto config = load("controller: c.example:7443\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->spool_bytes(), 64u << 20);
  EXPECT_EQ(config->state(), "/var/lib/metsuke-agent");
  EXPECT_EQ(config->interval_seconds(), 0u);
  EXPECT_THAT(Message(load("interval_seconds: 60\n").status()),
              testing::HasSubstr("say where the controller listens"));
  EXPECT_THAT(
      Message(load("controller: c:1\ninterval_seconds: 86401\n").status()),
      testing::HasSubstr("more than a day"));
  EXPECT_THAT(Message(load("controller: c:1\nspool_bytes: 1000\n").status()),
              testing::HasSubstr("less than a mebibyte"));
  EXPECT_THAT(Message(load("controler: c:1\n").status()),
              testing::HasSubstr("did you mean controller"));
}

TEST(LoadSettings, TakesWhatJoiningWroteDown) {
  const TemporaryFolder folder;
  const std::string file = folder / "agent.yaml";
  const std::string state = fmt::format("state: {}\n", folder / "");
  const auto write = [&](const std::string& yaml) {
    EXPECT_TRUE(WriteFile(file, yaml, 0600).ok());
  };
  write(state);
  EXPECT_THAT(Message(LoadSettings(file).status()),
              testing::HasSubstr("metsuke-agent join"));
  const auto to_join = SettingsToJoin(file, "c:7443", "[::1]:7444");
  ASSERT_TRUE(to_join.ok()) << to_join.status();
  ASSERT_TRUE(StoreJoined(*to_join).ok());
  auto config = LoadSettings(file);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->controller(), "c:7443");
  EXPECT_EQ(config->enrol(), "[::1]:7444");
  // What the administrator writes goes before it.
  write(state + "controller: other:7443\n");
  config = LoadSettings(file);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->controller(), "other:7443");
  EXPECT_THAT(Message(SettingsToJoin(file, "c:7443", "c:7444").status()),
              testing::HasSubstr("it says other:7443, and the line to join "
                                 "with c:7443"));
}

TEST(Notify, ReachesTheServiceManager) {
  const TemporaryFolder folder;
  const std::string path = folder / "notify";
  const Descriptor manager(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(manager.get(), reinterpret_cast<sockaddr*>(&address),
                 sizeof address),
            0);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  Notify("READY=1");
  unsetenv("NOTIFY_SOCKET");
  char text[32];
  EXPECT_EQ(recv(manager.get(), text, sizeof text, MSG_DONTWAIT), 7);
  setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(WatchdogInterval(), std::chrono::seconds(15));
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(WatchdogInterval().count(), 0);
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
}

}  // namespace
}  // namespace metsuke
