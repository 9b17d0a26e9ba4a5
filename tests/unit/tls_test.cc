#include "proto/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "proto/address.h"
#include "proto/grpc_tls.h"
#include "proto/operator.grpc.pb.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

using testing::HasSubstr;

// As the first step of main does in the programs.
class Hardened : public testing::Environment {
 public:
  void SetUp() override {
    const absl::Status status = HardenTls();
    ASSERT_TRUE(status.ok()) << status;
  }
};
const auto* const hardened = testing::AddGlobalTestEnvironment(new Hardened);

// Tells each caller who it is.
class Mirror : public v1::Operator::Service {
  grpc::Status CreateToken(grpc::ServerContext* context,
                           const v1::TokenRequest*,
                           v1::CreateTokenReply* reply) override {
    const auto peer = PeerIdentity(*context->auth_context());
    if (!peer.ok())
      return {grpc::StatusCode::UNAUTHENTICATED, Message(peer.status())};
    reply->set_token(peer->role + "/" + peer->name);
    return grpc::Status::OK;
  }
};

class Served {
 public:
  explicit Served(std::shared_ptr<grpc::ServerCredentials> credentials) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", std::move(credentials), &port_);
    builder.RegisterService(&mirror_);
    server_ = builder.BuildAndStart();
  }
  ~Served() { server_->Shutdown(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  Mirror mirror_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// What the server calls us; the error in brackets when it does not talk.
std::string WhoAmI(const std::string& address,
                   const std::shared_ptr<grpc::ChannelCredentials>& own) {
  const auto channel =
      grpc::CreateCustomChannel(address, own, ControllerArguments());
  const auto stub = v1::Operator::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(5));
  v1::CreateTokenReply reply;
  const grpc::Status status = stub->CreateToken(&context, {}, &reply);
  return status.ok() ? reply.token() : "(" + status.error_message() + ")";
}

// A plain OpenSSL client with the certificate of `own`.
TlsContextPtr PlainClient(const Credential& own, int version) {
  TlsContextPtr context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_clear_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_min_proto_version(context.get(), version);
  SSL_CTX_set_max_proto_version(context.get(), version);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT);
  SSL_CTX_use_certificate(context.get(), ParseCertificate(own.chain).get());
  BioPtr bio(BIO_new_mem_buf(own.chain.data(), -1));
  X509_free(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  SSL_CTX_add_extra_chain_cert(
      context.get(), PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  SSL_CTX_use_PrivateKey(context.get(), ParseKey(own.key).get());
  const unsigned char h2[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context.get(), h2, sizeof(h2));
  return context;
}

struct Shaken {
  bool connected = false, resumed = false;
  std::string reason;
  std::unique_ptr<SSL_SESSION, OpenSslFree<SSL_SESSION_free>> session;
};

// Shakes hands, and reads for a moment, as tickets come after the handshake.
Shaken Shake(const std::string& address, SSL_CTX* context,
             SSL_SESSION* session) {
  Shaken shaken;
  const auto list = Resolve(address, true);
  const int fd = socket((*list)->ai_family, SOCK_STREAM, 0);
  const timeval wait{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  if (connect(fd, (*list)->ai_addr, (*list)->ai_addrlen) != 0) return shaken;
  const TlsPtr tls(SSL_new(context));
  SSL_set_fd(tls.get(), fd);
  if (session != nullptr) SSL_set_session(tls.get(), session);
  ERR_clear_error();
  shaken.connected = SSL_connect(tls.get()) == 1;
  shaken.reason = OpenSslReason();
  shaken.resumed = SSL_session_reused(tls.get()) == 1;
  char buffer[256];
  while (shaken.connected && SSL_read(tls.get(), buffer, sizeof(buffer)) > 0) {
  }
  ERR_clear_error();
  shaken.session.reset(SSL_get1_session(tls.get()));
  SSL_shutdown(tls.get());
  close(fd);
  return shaken;
}

TEST(Tls, TellsTheServerWhoCalls) {
  const TestFleet fleet;
  const Served server(ServerTls(fleet.Issued("controller", "main")));
  EXPECT_EQ(
      WhoAmI(server.address(), ClientTls(fleet.Issued("operator", "aiko"))),
      "operator/aiko");
}

TEST(Tls, RefusesAClientOfAnotherFleetAndOneWithoutCertificate) {
  const TestFleet fleet, other;
  const Served server(ServerTls(fleet.Issued("controller", "main")));
  Credential stranger = other.Issued("operator", "aiko");
  stranger.root = fleet.Issued("operator", "aiko").root;
  EXPECT_THAT(WhoAmI(server.address(), ClientTls(stranger)), HasSubstr("("));
  EXPECT_THAT(
      WhoAmI(server.address(), grpc::SslCredentials({stranger.root, "", ""})),
      HasSubstr("("));
}

TEST(Tls, RefusesAnExpiredClientAndAnExpiredController) {
  const TestFleet fleet;
  const Served server(ServerTls(fleet.Issued("controller", "main")));
  EXPECT_THAT(
      WhoAmI(server.address(), ClientTls(fleet.Expired("operator", "a"))),
      HasSubstr("("));
  const Served old(ServerTls(fleet.Expired("controller", "main")));
  EXPECT_THAT(WhoAmI(old.address(), ClientTls(fleet.Issued("operator", "a"))),
              HasSubstr("("));
}

TEST(Tls, ClientTakesOnlyAControllerOfItsFleetForTheController) {
  const TestFleet fleet, other;
  const auto aiko = ClientTls(fleet.Issued("operator", "aiko"));
  // The doorkeeper has serverAuth but not the name, the operator not even that.
  const Served enrol(ServerTls(fleet.Issued("enrol", "door")));
  EXPECT_THAT(WhoAmI(enrol.address(), aiko), HasSubstr("("));
  const Served posing(ServerTls(fleet.Issued("operator", "eve")));
  EXPECT_THAT(WhoAmI(posing.address(), aiko), HasSubstr("("));
  const Served foreign(ServerTls(other.Issued("controller", "main")));
  EXPECT_THAT(WhoAmI(foreign.address(), aiko), HasSubstr("("));
}

TEST(Tls, FilesOfTheWrongRoleAreRefused) {
  const TestFleet fleet;
  const std::string aiko = fleet.Issue("operator", "aiko");
  const std::string main = fleet.Issue("controller", "main");
  const auto files = [](const auto& make, const std::string& dir) {
    return make(dir + "/certificate.pem", dir + "/key.pem", dir + "/root.pem");
  };
  const auto server = [](auto&&... paths) {
    return ServerTls(paths...).status();
  };
  const auto client = [](auto&&... paths) {
    return ClientTls(paths...).status();
  };
  EXPECT_TRUE(files(server, main).ok());
  EXPECT_TRUE(files(client, aiko).ok());
  EXPECT_THAT(Message(files(server, aiko)), HasSubstr("role operator"));
  EXPECT_THAT(Message(files(client, main)), HasSubstr("role controller"));
}

TEST(Tls, RefusesVersion12) {
  const TestFleet fleet;
  const Served server(ServerTls(fleet.Issued("controller", "main")));
  const Credential aiko = fleet.Issued("operator", "aiko");
  const TlsContextPtr old = PlainClient(aiko, TLS1_2_VERSION);
  const Shaken refused = Shake(server.address(), old.get(), nullptr);
  EXPECT_FALSE(refused.connected);
  const TlsContextPtr now = PlainClient(aiko, TLS1_3_VERSION);
  const Shaken taken = Shake(server.address(), now.get(), nullptr);
  EXPECT_TRUE(taken.connected) << taken.reason;
}

TEST(Tls, ResumesNoSession) {
  const TestFleet fleet;
  const Served server(ServerTls(fleet.Issued("controller", "main")));
  const TlsContextPtr client =
      PlainClient(fleet.Issued("operator", "aiko"), TLS1_3_VERSION);
  const Shaken first = Shake(server.address(), client.get(), nullptr);
  ASSERT_TRUE(first.connected) << first.reason;
  const Shaken second =
      Shake(server.address(), client.get(), first.session.get());
  EXPECT_TRUE(second.connected) << second.reason;
  EXPECT_FALSE(second.resumed);
}

}  // namespace
}  // namespace metsuke
