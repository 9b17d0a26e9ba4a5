#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <future>
#include <thread>

#include "controller/gate.h"
#include "controller/server.h"
#include "controller/store/body.h"
#include "controller/store/sqlite.h"
#include "google/protobuf/descriptor.pb.h"
#include "proto/canonical.h"
#include "proto/grpc_tls.h"
#include "proto/join_token.h"
#include "proto/operator.grpc.pb.h"
#include "test_fleet.h"

namespace metsuke {
namespace {

using ::testing::HasSubstr;
using Stream =
    grpc::ClientReaderWriter<v1::AgentMessage, v1::ControllerMessage>;

// A host's first certificate, got as metsuke-enrol would.
Credential Enrol(Authority& authority, const Credential& like) {
  const int64_t now = std::time(nullptr);
  v1::AuthorityRequest request;
  request.mutable_create_token();
  const auto token = ParseJoinToken(authority.Answer(request, 0, now).token());
  EXPECT_TRUE(token.ok()) << token.status();
  Credential own{.key = *MakeKey(), .root = like.root};
  v1::EnrolRequest& enrol = *request.mutable_enrol();
  enrol.set_token(token->id);
  enrol.set_secret(token->secret);
  enrol.set_request(*MakeRequest(own.key));
  enrol.set_hostname("web01");
  const v1::AuthorityReply reply = authority.Answer(request, 0, now);
  EXPECT_EQ(reply.error(), "");
  own.chain = reply.enrol().chain();
  own.identity = *IdentityOf(own.chain);
  return own;
}

// A running controller with its fleet.
class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(HardenTls().ok());
    store_ = *OpenSqliteStore(folder_.path());
    sync_ = std::make_unique<SyncService>(
        *store_, 300, [](const std::string& host, const std::string& request) {
          return host + " asked " + request;
        });
    config_.set_listen("127.0.0.1:0");
    config_.set_max_connections(100);
    config_.set_max_connections_per_address(50);
    authority_ = fleet_.Open();
    own_ = fleet_.Issued("controller", "one");
    host_ = Enrol(*authority_, own_);
  }
  void TearDown() override {
    server_.reset();
    sync_.reset();
  }

  void Start() {
    auto server = Server::Start(config_, own_, {.sync = sync_.get()});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::shared_ptr<grpc::Channel> Channel(const Credential& credential) {
    grpc::ChannelArguments arguments = ControllerArguments();
    // Each channel makes its own connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(
        fmt::format("{}:{}", address_, server_->port()), ClientTls(credential),
        arguments);
  }

  std::string address_ = "127.0.0.1";  // that agents connect to

  const TestFleet fleet_;
  const TemporaryFolder folder_;
  std::unique_ptr<Authority> authority_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SyncService> sync_;
  v1::ControllerConfig config_;
  Credential own_, host_;
  std::unique_ptr<Server> server_;
};

// An agent as plain as can be.
class Agent {
 public:
  explicit Agent(std::shared_ptr<grpc::Channel> channel)
      : stub_(v1::Sync::NewStub(channel)) {
    context_.set_deadline(std::chrono::system_clock::now() +
                          std::chrono::seconds(10));
    stream_ = stub_->Sync(&context_);
  }

  void Send(const v1::AgentMessage& message) { stream_->Write(message); }

  void Hello() {
    v1::AgentMessage message;
    message.mutable_hello()->set_stream(std::string(16, 's'));
    message.mutable_hello()->set_first_seq(1);
    message.mutable_hello()->set_next_seq(2);
    message.mutable_hello()->set_version("0.1.0");
    Send(message);
  }

  v1::ControllerMessage Read() {
    v1::ControllerMessage message;
    EXPECT_TRUE(stream_->Read(&message));
    return message;
  }

  // Breaks off without a word.
  void Cancel() {
    context_.TryCancel();
    stream_->Finish();
  }

  grpc::Status Finish() {
    stream_->WritesDone();
    v1::ControllerMessage message;
    while (stream_->Read(&message)) {
    }
    return stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::Sync::Stub> stub_;
  std::unique_ptr<Stream> stream_;
};

v1::AgentMessage StateOf(const TableBody& body) {
  v1::AgentMessage message;
  message.mutable_record()->set_seq(1);
  v1::State& state = *message.mutable_record()->mutable_state();
  state.set_taken(1000);
  state.add_tables()->set_table(body.table);
  state.mutable_tables(0)->set_digest(body.digest);
  return message;
}

TEST_F(ServerTest, AnAgentReportsOverMutualTls) {
  Start();
  v1::Snapshot snapshot;
  snapshot.add_host()->set_hostname("web01");
  const TableBody body =
      MakeBody("host", CanonicalTable(snapshot, TableField("host")));
  Agent agent(Channel(host_));
  agent.Hello();
  EXPECT_EQ(agent.Read().welcome().interval_seconds(), 300u);
  agent.Send(StateOf(body));
  const v1::ControllerMessage want = agent.Read();
  ASSERT_EQ(want.want().digests_size(), 1) << want.DebugString();
  v1::AgentMessage message;
  message.mutable_body()->set_digest(body.digest);
  message.mutable_body()->set_table(body.table);
  message.mutable_body()->set_size(body.size);
  message.mutable_body()->set_zstd(body.zstd);
  message.mutable_body()->set_last(true);
  agent.Send(message);
  EXPECT_EQ(agent.Read().ack().seq(), 1u);
  message.mutable_renewal()->set_request("DER");
  agent.Send(message);
  EXPECT_EQ(agent.Read().certificate().chain(),
            host_.identity.name + " asked DER");
  EXPECT_TRUE(agent.Finish().ok());
  EXPECT_EQ(store_->FindHost("web01")->id(), host_.identity.name);
}

TEST_F(ServerTest, TheAddressAnAgentSpeaksFromIsKept) {
  const auto kept = [&](const std::string& listen, const std::string& to) {
    server_.reset();
    config_.set_listen(listen);
    address_ = to;
    Start();
    Agent agent(Channel(host_));
    agent.Hello();
    EXPECT_TRUE(agent.Read().has_welcome());
    EXPECT_TRUE(agent.Finish().ok());
    const auto host = store_->FindHost(host_.identity.name);
    return host.ok() ? host->address() : host.status().ToString();
  };
  EXPECT_EQ(kept("127.0.0.1:0", "127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(kept("[::1]:0", "[::1]"), "::1");
  // A listener of both families sees "::ffff:127.0.0.1".
  EXPECT_EQ(kept("[::]:0", "127.0.0.1"), "127.0.0.1");
}

TEST_F(ServerTest, OnlyAHostMayCallWhatIsForHosts) {
  Start();
  Agent pretender(Channel(fleet_.Issued("operator", "aiko")));
  pretender.Hello();
  const grpc::Status status = pretender.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
      << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("operator"));

  const auto stub = v1::Operator::NewStub(Channel(host_));
  grpc::ClientContext context;
  v1::RemoveReply reply;
  EXPECT_EQ(
      stub->RemoveHost(&context, v1::RemoveRequest(), &reply).error_code(),
      grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(ServerTest, ACertificateOfAnotherFleetIsRefusedAndLogged) {
  Start();
  const TestFleet other;
  const auto authority = other.Open();
  Credential stranger = Enrol(*authority, other.Issued("controller", "two"));
  stranger.root = own_.root;
  ::testing::internal::CaptureStderr();
  Agent agent(Channel(stranger));
  agent.Hello();
  EXPECT_EQ(agent.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  for (int i = 0; i < 50 && server_->listener().connections() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("refused ipv4:127.0.0.1:"));
}

TEST_F(ServerTest, ARemovedHostIsSentAwayAndItsStreamEnded) {
  Start();
  Agent agent(Channel(host_));
  agent.Hello();
  EXPECT_TRUE(agent.Read().has_welcome());
  ASSERT_TRUE(store_->RemoveHost(host_.identity.name, 1).ok());
  sync_->Drop(host_.identity.name);
  EXPECT_FALSE(agent.Finish().ok());
  Agent again(Channel(host_));
  again.Hello();
  EXPECT_EQ(again.Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(ServerTest, ALossIsToldWhenItIsStoredAndNotBefore) {
  Start();
  v1::AgentMessage loss;
  loss.mutable_record()->set_seq(3);
  loss.mutable_record()->mutable_loss()->set_from(1);
  loss.mutable_record()->mutable_loss()->set_to(3);
  loss.mutable_record()->mutable_loss()->set_reason("the spool was full");
  const std::string told =
      "host " + host_.identity.name + " lost the records 1 to 3: the spool";
  Agent agent(Channel(host_));
  agent.Hello();
  EXPECT_TRUE(agent.Read().has_welcome());
  ::testing::internal::CaptureStderr();
  agent.Send(loss);
  EXPECT_EQ(agent.Read().ack().seq(), 3u);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr(told));

  // A host that is no more has nothing stored, though its stream still stands.
  ASSERT_TRUE(store_->RemoveHost(host_.identity.name, 1).ok());
  loss.mutable_record()->set_seq(6);
  loss.mutable_record()->mutable_loss()->set_from(4);
  loss.mutable_record()->mutable_loss()->set_to(6);
  ::testing::internal::CaptureStderr();
  agent.Send(loss);
  EXPECT_EQ(agent.Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              testing::Not(HasSubstr("lost the records")));
}

TEST_F(ServerTest, ANewerStreamOfAHostEndsTheOlder) {
  Start();
  Agent older(Channel(host_));
  older.Hello();
  EXPECT_TRUE(older.Read().has_welcome());
  Agent newer(Channel(host_));
  newer.Hello();
  EXPECT_TRUE(newer.Read().has_welcome());
  EXPECT_FALSE(older.Finish().ok());
  EXPECT_EQ(sync_->streams(), 1u);
  EXPECT_TRUE(newer.Finish().ok());
}

TEST_F(ServerTest, AnOversizeMessageEndsItsStreamAndNoOther) {
  Start();
  Agent large(Channel(host_));
  large.Hello();
  EXPECT_TRUE(large.Read().has_welcome());
  v1::AgentMessage message;
  message.mutable_body()->set_zstd(std::string(2 << 20, 'x'));
  large.Send(message);
  EXPECT_FALSE(large.Finish().ok());
  Agent next(Channel(host_));
  next.Hello();
  EXPECT_TRUE(next.Read().has_welcome());
  EXPECT_TRUE(next.Finish().ok());
}

TEST_F(ServerTest, StreamsThatAreOpenEndWhenTheServerStops) {
  Start();
  Agent agent(Channel(host_));
  agent.Hello();
  EXPECT_TRUE(agent.Read().has_welcome());
  const auto before = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
  EXPECT_EQ(sync_->streams(), 0u);
  EXPECT_FALSE(agent.Finish().ok());
}

TEST_F(ServerTest, StreamsMayBreakOffAtAnyMoment) {
  Start();
  v1::Snapshot snapshot;
  snapshot.add_host()->set_hostname("web01");
  const TableBody body =
      MakeBody("host", CanonicalTable(snapshot, TableField("host")));
  const auto channel = Channel(host_);
  for (int i = 0; i < 300; ++i) {
    Agent agent(channel);
    agent.Hello();
    agent.Send(StateOf(body));
    std::this_thread::sleep_for(std::chrono::microseconds(i * 10));
    agent.Cancel();
  }
  for (int i = 0; i < 100 && sync_->streams() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(sync_->streams(), 0u);
  Agent agent(channel);
  agent.Hello();
  EXPECT_TRUE(agent.Read().has_welcome());
  EXPECT_TRUE(agent.Finish().ok());
}

int ConnectTo(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  // With TCP_DEFER_ACCEPT only a connection that says something is accepted.
  EXPECT_EQ(send(fd, "\x16", 1, MSG_NOSIGNAL), 1);
  return fd;
}

// Whether the other side closes within some seconds.
bool IsClosed(int fd) {
  timeval limit{8, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  char byte;
  return recv(fd, &byte, 1, 0) == 0 || errno == ECONNRESET;
}

TEST_F(ServerTest, ConnectionsFromOneAddressAreLimitedAndSilentOnesShed) {
  config_.set_max_connections_per_address(3);
  Start();
  std::vector<int> fds;
  for (int i = 0; i < 3; ++i) fds.push_back(ConnectTo(server_->port()));
  for (int i = 0; i < 50 && server_->listener().connections() < 3; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(server_->listener().connections(), 3u);
  const auto before = std::chrono::steady_clock::now();
  const int fourth = ConnectTo(server_->port());
  EXPECT_TRUE(IsClosed(fourth));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
  // The handshake timeout.
  for (const int fd : fds) EXPECT_TRUE(IsClosed(fd));
  // The other side is told before the descriptor is closed.
  for (int i = 0; i < 50 && server_->listener().connections() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(server_->listener().connections(), 0u);
  for (const int fd : fds) close(fd);
  close(fourth);
  Agent agent(Channel(host_));
  agent.Hello();
  EXPECT_TRUE(agent.Read().has_welcome());
  EXPECT_TRUE(agent.Finish().ok());
}

TEST_F(ServerTest, RunningOutOfDescriptorsPasses) {
  Start();
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  // The attacker's ends are taken first, as they are in this process, too.
  std::vector<int> ends;
  for (int i = 0; i < 20; ++i)
    ends.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(dup(0)) + 3;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(server_->port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (const int fd : ends) {
    connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    send(fd, "\x16", 1, MSG_NOSIGNAL);
  }
  // Those that got no descriptor are shed at once, the rest by the timeout.
  for (const int fd : ends) EXPECT_TRUE(IsClosed(fd));
  for (const int fd : ends) close(fd);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  Agent agent(Channel(host_));
  agent.Hello();
  EXPECT_TRUE(agent.Read().has_welcome());
  EXPECT_TRUE(agent.Finish().ok());
}

TEST(Gate, EveryCallOfThisBuildHasARole) {
  const auto gate = Gate::Make(AllServices());
  ASSERT_TRUE(gate.ok()) << gate.status();
  int calls = 0;
  for (const auto* service : AllServices())
    for (int i = 0; i < service->method_count(); ++i, ++calls) {
      const std::string path = fmt::format("/{}/{}", service->full_name(),
                                           service->method(i)->name());
      // Nobody has both.
      EXPECT_NE((*gate)->Check(path, "host").ok(),
                (*gate)->Check(path, "operator").ok())
          << path;
      EXPECT_FALSE((*gate)->Check(path, "enrol").ok());
    }
  EXPECT_GT(calls, 10);
  EXPECT_TRUE((*gate)->Check("/metsuke.v1.Sync/Sync", "host").ok());
  EXPECT_THAT((*gate)->Check("/metsuke.v1.Sync/Other", "host").message(),
              HasSubstr("knows no such call; whoever makes it is newer"));
  EXPECT_FALSE((*gate)->Check("", "host").ok());
}

TEST(Gate, ACallWithoutARoleKeepsTheProgramFromStarting) {
  google::protobuf::FileDescriptorProto file;
  file.set_name("odd.proto");
  file.add_message_type()->set_name("M");
  auto& service = *file.add_service();
  service.set_name("Odd");
  auto& method = *service.add_method();
  method.set_name("Call");
  method.set_input_type("M");
  method.set_output_type("M");
  google::protobuf::DescriptorPool pool;
  const auto* built = pool.BuildFile(file);
  ASSERT_NE(built, nullptr);
  const absl::Status status = Gate::Make({built->service(0)}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(Message(status), HasSubstr("Odd.Call"));
}

TEST(ControllerConfig, DefaultsAreFilledInAndWhatIsMissingIsNamed) {
  const auto config = ReadControllerConfig(
      "controller.yaml",
      "listen: 127.0.0.1:7443\nstate: /s\ncertificate: /c\nkey: /k\n"
      "root: /r\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->interval_seconds(), 300u);
  EXPECT_EQ(config->max_connections(), 10000u);
  EXPECT_EQ(config->max_connections_per_address(), 1000u);
  EXPECT_THAT(
      Message(ReadControllerConfig("controller.yaml", "state: /s\n").status()),
      HasSubstr("listen must be given"));
}

}  // namespace
}  // namespace metsuke
