#include "agent/enrol.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <thread>

#include "agent/identity_files.h"
#include "controller/ca/client.h"
#include "controller/ca/server.h"
#include "controller/ca/workers.h"
#include "controller/enrol/door.h"
#include "proto/address.h"
#include "proto/file.h"
#include "proto/framed_socket.h"
#include "proto/join_token.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

// metsuke-ca and metsuke-enrol on real sockets.
class Installation {
 public:
  explicit Installation(DoorLimits limits = {}) {
    const std::string socket = fleet_ / "s";
    authority_ = fleet_.Open();
    auto served = ServeAuthority(*authority_, socket);
    EXPECT_TRUE(served.ok()) << served.status();
    ca_ = *std::move(served);
    const std::string own = fleet_.Issue("enrol", "door");
    auto tls = EnrolTls(own + "/certificate.pem", own + "/key.pem");
    EXPECT_TRUE(tls.ok()) << tls.status();
    door_ = std::make_unique<EnrolDoor>(*std::move(tls),
                                        AuthorityClient(socket), limits);
    const int listener = *ListenTcp("127.0.0.1:0");
    address_ = "127.0.0.1:" + std::to_string(ListeningPort(listener));
    workers_ = std::make_unique<Workers>(listener, 64,
                                         [this](int fd) { door_->Serve(fd); });
  }

  std::string Token(uint32_t uses = 1, uint32_t ttl = 0) const {
    v1::TokenRequest request;
    request.set_uses(uses);
    request.set_ttl_seconds(ttl);
    return *AuthorityClient(fleet_ / "s").CreateToken(request);
  }
  const std::string& address() const { return address_; }
  const TestFleet& fleet() const { return fleet_; }
  void StopAuthority() { ca_.reset(); }

 private:
  TestFleet fleet_;
  std::unique_ptr<Authority> authority_;
  std::unique_ptr<Workers> ca_;
  std::unique_ptr<EnrolDoor> door_;
  std::string address_;
  std::unique_ptr<Workers> workers_;
};

// A listener that keeps what one connection sends until it is closed.
class Listener {
 public:
  explicit Listener(SSL_CTX* tls) : fd_(*ListenTcp("127.0.0.1:0")) {
    thread_ = std::thread([this, tls] {
      const int fd = accept(fd_, nullptr, nullptr);
      FramedSocket socket(fd, std::chrono::steady_clock::now() + seconds(5));
      shaken_ = socket.AcceptTls(tls);
      v1::EnrolRequest request;
      if (shaken_.ok() && socket.Receive(request).ok()) got_request_ = true;
    });
  }
  ~Listener() { Join(); }
  void Join() {
    if (thread_.joinable()) thread_.join();
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  std::string address() const {
    return "127.0.0.1:" + std::to_string(ListeningPort(fd_));
  }
  absl::Status shaken_;
  bool got_request_ = false;

 private:
  int fd_;
  std::thread thread_;
};

std::string Failure(const std::string& address, const std::string& token,
                    milliseconds limit = seconds(5)) {
  const TemporaryFolder state;
  return Message(Enrol(address, token, state.path(), limit).status());
}

TEST(Enrol, GivesAHostAnIdentityItCanConnectWith) {
  const Installation site;
  const TemporaryFolder state;
  EXPECT_TRUE(absl::IsNotFound(LoadIdentity(state.path()).status()));
  const auto identity = Enrol(site.address(), site.Token(), state.path());
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->role, "host");
  const auto loaded = LoadIdentity(state.path());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->identity.serial, identity->serial);
  EXPECT_EQ(loaded->root, *ReadFile(site.fleet().state() + kRootCertificate));
  struct stat info;
  ASSERT_EQ(stat((state / "identity.pem").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST(Enrol, SaysWhatIsWrongWithAToken) {
  const Installation site({.failures_per_minute = 100, .at_once = 20});
  const std::string token = site.Token();
  EXPECT_EQ(Failure(site.address(), token), "");
  EXPECT_THAT(Failure(site.address(), token), HasSubstr("was used before"));
  const std::string brief = site.Token(1, 1);
  sleep(2);
  EXPECT_THAT(Failure(site.address(), brief), HasSubstr("has expired"));
  JoinToken wrong = *ParseJoinToken(token);
  wrong.secret[3] = wrong.secret[3] == 'a' ? 'b' : 'a';
  EXPECT_THAT(Failure(site.address(), FormatJoinToken(wrong)),
              HasSubstr("not valid here"));
  EXPECT_THAT(Failure(site.address(), "mtk1_x"), HasSubstr("missing"));
}

TEST(Enrol, SendsNothingToWhomTheTokenDoesNotName) {
  const Installation site;
  const TestFleet other;
  const std::string own = other.Issue("enrol", "door");
  const auto tls = EnrolTls(own + "/certificate.pem", own + "/key.pem");
  ASSERT_TRUE(tls.ok());
  Listener listener(tls->get());
  const std::string failure = Failure(listener.address(), site.Token());
  EXPECT_THAT(failure, HasSubstr("does not have the root key"));
  EXPECT_THAT(failure, HasSubstr("nothing was sent"));
  listener.Join();
  EXPECT_FALSE(listener.shaken_.ok());
  EXPECT_FALSE(listener.got_request_);
}

// Anyone can put the true root beside a chain of their own.
TEST(Enrol, SendsNothingToAForeignChainThatShowsTheTrueRoot) {
  const Installation site;
  const TestFleet other;
  const std::string own = other.Issue("enrol", "door");
  const std::string chain = *ReadFile(own + "/certificate.pem") +
                            *ReadFile(site.fleet().state() + kRootCertificate);
  ASSERT_TRUE(WriteFile(own + "/mixed.pem", chain, 0644).ok());
  const auto tls = EnrolTls(own + "/mixed.pem", own + "/key.pem");
  ASSERT_TRUE(tls.ok()) << tls.status();
  Listener listener(tls->get());
  EXPECT_THAT(Failure(listener.address(), site.Token()),
              HasSubstr("nothing was sent"));
  listener.Join();
  EXPECT_FALSE(listener.got_request_);
}

// An enrolled host must not be able to pose as the door.
TEST(Enrol, SendsNothingToAnotherMemberOfTheFleet) {
  const Installation site;
  for (const char* role : {"operator", "controller"}) {
    const Credential own = site.fleet().Issued(role, "eve");
    const std::string file = site.fleet() / "eve.pem";
    ASSERT_TRUE(WriteFile(file, own.chain + own.root, 0644).ok());
    const TlsContextPtr tls(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate_chain_file(tls.get(), file.c_str());
    SSL_CTX_use_PrivateKey(tls.get(), ParseKey(own.key).get());
    Listener listener(tls.get());
    EXPECT_THAT(Failure(listener.address(), site.Token()),
                HasSubstr("nothing was sent"))
        << role;
    listener.Join();
    EXPECT_FALSE(listener.got_request_);
  }
}

TEST(Enrol, SendsNothingToADoorWhoseCertificateHasExpired) {
  const Installation site;
  const Credential own = site.fleet().Expired("enrol", "old");
  const std::string file = site.fleet() / "old.pem";
  ASSERT_TRUE(WriteFile(file, own.chain + own.root, 0644).ok());
  const TlsContextPtr tls(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_use_certificate_chain_file(tls.get(), file.c_str());
  SSL_CTX_use_PrivateKey(tls.get(), ParseKey(own.key).get());
  Listener listener(tls.get());
  EXPECT_THAT(Failure(listener.address(), site.Token()),
              HasSubstr("certificate has expired; nothing was sent"));
  listener.Join();
  EXPECT_FALSE(listener.got_request_);
}

TEST(Enrol, SaysWhenNobodyAnswers) {
  const Installation site;
  const int silent = *ListenTcp("127.0.0.1:0");
  const int port = ListeningPort(silent);
  EXPECT_THAT(Failure("127.0.0.1:" + std::to_string(port), site.Token(),
                      milliseconds(300)),
              HasSubstr("took too long"));
  close(silent);
  EXPECT_THAT(Failure("127.0.0.1:" + std::to_string(port), site.Token()),
              HasSubstr("metsuke-enrol runs there"));
  EXPECT_THAT(Failure("nowhere", site.Token()), HasSubstr("no address"));
}

TEST(Enrol, DoesNotSpendTheTokenWhereNothingCanBeKept) {
  const Installation site;
  const std::string token = site.Token();
  EXPECT_THAT(Message(Enrol(site.address(), token, "/proc/none").status()),
              HasSubstr("not a folder"));
  EXPECT_EQ(Failure(site.address(), token), "");
}

TEST(Enrol, SaysWhenTheAuthorityIsDownAndCountsItAgainstNobody) {
  Installation site({.failures_per_minute = 1});
  const std::string token = site.Token();
  site.StopAuthority();
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(Failure(site.address(), token), HasSubstr("try again later"));
}

TEST(EnrolDoor, LetsOneOfTwentyInWithATokenOfOneUse) {
  const Installation site({.failures_per_minute = 100, .at_once = 20});
  const std::string token = site.Token();
  std::atomic<int> joined = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i)
    threads.emplace_back([&] {
      const std::string failure = Failure(site.address(), token, seconds(20));
      if (failure.empty()) ++joined;
      if (failure.find("was used before") != std::string::npos) ++refused;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(joined, 1);
  EXPECT_EQ(refused, 19);
}

TEST(EnrolDoor, OutlivesGarbageOversizeAndSlowClients) {
  const Installation site(
      {.time = milliseconds(400), .failures_per_minute = 1000});
  const auto end = std::chrono::steady_clock::now() + seconds(10);
  const auto connected = [&] {
    return *FramedSocket::ConnectTcp(site.address(), end);
  };
  v1::EnrolReply reply;
  FramedSocket garbage = connected();
  ASSERT_EQ(send(garbage.fd(), "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
  const TlsContextPtr plain(SSL_CTX_new(TLS_client_method()));
  // A length of 2 GiB, for which nothing may be set aside.
  FramedSocket carrier = connected();
  {
    const TlsPtr tls(SSL_new(plain.get()));
    SSL_set_fd(tls.get(), carrier.fd());
    fcntl(carrier.fd(), F_SETFL, 0);
    ASSERT_EQ(SSL_connect(tls.get()), 1);
    ASSERT_EQ(SSL_write(tls.get(), "\x7f\xff\xff\xff", 4), 4);
    char byte;
    EXPECT_LE(SSL_read(tls.get(), &byte, 1), 0);
  }
  // A frame that is as long as may be, and no sensible request.
  FramedSocket oversize = connected();
  ASSERT_TRUE(oversize.ConnectTls(plain.get()).ok());
  v1::EnrolRequest large;
  large.set_hostname(std::string(kMaxFrame - 100, 'x'));
  EXPECT_TRUE(oversize.Send(large).ok());
  EXPECT_TRUE(oversize.Receive(reply).ok());
  EXPECT_THAT(reply.error(), HasSubstr("too long"));
  // One byte of a handshake now and then, for longer than the limit.
  FramedSocket slow = connected();
  const auto start = std::chrono::steady_clock::now();
  bool cut = false;
  for (int i = 0; i < 60 && !cut; ++i) {
    const char bytes[] = "\x16\x03\x01\x02\x00";
    cut = send(slow.fd(), bytes + i % 5, 1, MSG_NOSIGNAL) != 1;
    usleep(50000);
  }
  EXPECT_TRUE(cut);
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(2));
  // TLS done, then nothing.
  FramedSocket mute = connected();
  ASSERT_TRUE(mute.ConnectTls(plain.get()).ok());
  EXPECT_FALSE(mute.Receive(reply).ok());
  EXPECT_EQ(Failure(site.address(), site.Token()), "");
}

TEST(EnrolDoor, RefusesAnAddressAfterFiveFailuresAndLogsNoSecret) {
  std::optional<Installation> site(std::in_place);
  JoinToken wrong = *ParseJoinToken(site->Token());
  wrong.secret = "abcdefghijklmnopqrstuvwxyz";
  testing::internal::CaptureStderr();
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(Failure(site->address(), FormatJoinToken(wrong)),
                HasSubstr("not valid here"));
  EXPECT_THAT(Failure(site->address(), site->Token()),
              HasSubstr("an address that failed five times is not answered"));
  site.reset();  // it speaks after it has hung up
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("127.0.0.1: refused"));
  EXPECT_THAT(log, HasSubstr("refused for a minute after 5 failures"));
  EXPECT_THAT(log, Not(HasSubstr(wrong.secret)));
}

TEST(EnrolDoor, LetsNoMoreFailAtOnceThanOneAfterTheOther) {
  const Installation site;
  JoinToken wrong = *ParseJoinToken(site.Token());
  wrong.secret = "abcdefghijklmnopqrstuvwxyz";
  std::atomic<int> tried = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([&] {
      const std::string failure = Failure(site.address(), FormatJoinToken(wrong));
      if (failure.find("not valid here") != std::string::npos) ++tried;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(tried, 5);
}

TEST(EnrolDoor, ServesSixteenConnectionsOfAnAddressAtOnce) {
  const Installation site;
  const auto end = std::chrono::steady_clock::now() + seconds(10);
  // Each begins a handshake and goes no further.
  std::vector<FramedSocket> silent;
  const auto knock = [&] {
    silent.push_back(*FramedSocket::ConnectTcp(site.address(), end));
    EXPECT_EQ(send(silent.back().fd(), "\x16", 1, MSG_NOSIGNAL), 1);
  };
  for (int i = 0; i < 16; ++i) knock();
  usleep(300'000);  // all of them are inside
  const auto start = std::chrono::steady_clock::now();
  knock();
  v1::EnrolReply reply;
  EXPECT_FALSE(silent.back().Receive(reply).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(2));
}

using Verdict = Attempts::Verdict;

// One that fails, at `now`.
void Fail(Attempts& attempts, const std::string& address, Attempts::Time now) {
  ASSERT_EQ(attempts.Enter(address, now, now), Verdict::kWelcome);
  attempts.Leave(address, true);
}

// Whether `address` is let in at `now`; what it does there comes to no harm.
Verdict Knock(Attempts& attempts, const std::string& address,
              Attempts::Time now) {
  const Verdict verdict = attempts.Enter(address, now, now);
  if (verdict == Verdict::kWelcome) attempts.Leave(address, false);
  return verdict;
}

TEST(Attempts, CountByNetworkAndMinute) {
  Attempts attempts(2, 9);
  const auto now = std::chrono::steady_clock::now();
  Fail(attempts, "2001:db8::1", now);
  EXPECT_EQ(Knock(attempts, "2001:db8::1", now), Verdict::kWelcome);
  Fail(attempts, "2001:db8::2", now);
  EXPECT_EQ(Knock(attempts, "2001:db8::3", now), Verdict::kFailedTooOften);
  EXPECT_EQ(Knock(attempts, "2001:db8::4", now), Verdict::kRefusedAgain);
  EXPECT_EQ(Knock(attempts, "2001:db8:0:1::1", now), Verdict::kWelcome);
  EXPECT_EQ(Knock(attempts, "192.0.2.1", now), Verdict::kWelcome);
  EXPECT_EQ(Knock(attempts, "2001:db8::1", now + seconds(60)),
            Verdict::kWelcome);
  // A flood of addresses does not make it forget within the minute who is
  // refused last, nor grow without end.
  for (int i = 0; i < 5000; ++i)
    Fail(attempts,
         "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256),
         now + milliseconds(i));
  Fail(attempts, "10.9.9.9", now + seconds(6));
  Fail(attempts, "10.9.9.9", now + seconds(6));
  EXPECT_EQ(Knock(attempts, "10.9.9.9", now + seconds(7)),
            Verdict::kFailedTooOften);
}

TEST(Attempts, WaitForThoseThatAreUnderWay) {
  Attempts attempts(2, 3);
  const auto now = std::chrono::steady_clock::now();
  EXPECT_EQ(attempts.Enter("a", now, now), Verdict::kWelcome);
  EXPECT_EQ(attempts.Enter("a", now, now), Verdict::kWelcome);
  EXPECT_EQ(attempts.Enter("a", now, now + milliseconds(30)),
            Verdict::kTooManyAtOnce)
      << "both may fail yet";
  EXPECT_EQ(Knock(attempts, "b", now), Verdict::kWelcome);
  // One leaves well, and the one that waits may try; then two fail, and the
  // next one that waits may not.
  for (const bool failed : {false, true}) {
    Verdict third = Verdict::kRefusedAgain;
    std::thread waits(
        [&] { third = attempts.Enter("a", now, now + seconds(10)); });
    attempts.Leave("a", failed);
    if (failed) attempts.Leave("a", true);
    waits.join();
    EXPECT_EQ(third == Verdict::kWelcome, !failed);
  }
}

class RenewalTest : public testing::Test {
 protected:
  Installation site_;
  TemporaryFolder state_;
  Identity first_ = *Enrol(site_.address(), site_.Token(), state_.path());

  // Signed by an authority whose clock is a minute ahead, as a certificate is
  // not renewed within its first minute.
  std::string Renewed(const std::string& request) {
    v1::AuthorityRequest asked;
    asked.mutable_renew()->set_host(first_.name);
    asked.mutable_renew()->set_request(request);
    const auto reply =
        site_.fleet().Open()->Answer(asked, 0, std::time(nullptr) + 61);
    EXPECT_EQ(reply.error(), "");
    return reply.enrol().chain();
  }
  std::string Serial() const {
    const auto loaded = LoadIdentity(state_.path());
    return loaded.ok() ? loaded->identity.serial : "none";
  }
};

TEST_F(RenewalTest, KeepsThePreviousIdentityUntilTheNewOneWorks) {
  const auto renewal = StartRenewal();
  ASSERT_TRUE(renewal.ok());
  const std::string chain = Renewed(renewal->request);
  ASSERT_TRUE(StoreRenewal(state_.path(), *renewal, chain).ok());
  EXPECT_EQ(Serial(), IdentityOf(chain)->serial);
  ASSERT_TRUE(RevertIdentity(state_.path()).ok());
  EXPECT_EQ(Serial(), first_.serial);
  ASSERT_TRUE(StoreRenewal(state_.path(), *renewal, chain).ok());
  ASSERT_TRUE(ConfirmIdentity(state_.path()).ok());
  EXPECT_EQ(Serial(), IdentityOf(chain)->serial);
  EXPECT_TRUE(absl::IsNotFound(RevertIdentity(state_.path())));
}

TEST_F(RenewalTest, FallsBackWhenTheFileIsDamaged) {
  const auto renewal = StartRenewal();
  ASSERT_TRUE(
      StoreRenewal(state_.path(), *renewal, Renewed(renewal->request)).ok());
  ASSERT_TRUE(WriteFile(state_ / "identity.pem", "damaged", 0600).ok());
  EXPECT_EQ(Serial(), first_.serial);
}

TEST_F(RenewalTest, KeepsNothingThatIsNotForThisKeyAndHost) {
  const auto mine = StartRenewal(), other = StartRenewal();
  EXPECT_THAT(
      Message(StoreRenewal(state_.path(), *mine, Renewed(other->request))),
      HasSubstr("not for this key"));
  const TemporaryFolder stranger;
  ASSERT_TRUE(Enrol(site_.address(), site_.Token(), stranger.path()).ok());
  const auto theirs = LoadIdentity(stranger.path());
  EXPECT_THAT(
      Message(StoreRenewal(state_.path(), {theirs->key, ""}, theirs->chain)),
      HasSubstr("not for this host"));
  EXPECT_FALSE(StoreRenewal(state_.path(), *mine, "").ok());
  EXPECT_EQ(Serial(), first_.serial);
}

TEST(Renewal, IsDueAtHalfOfALifeMoreOrLess) {
  const Identity identity{"host", "", "", 1000, 2000};
  EXPECT_FALSE(RenewalDue(identity, 1499, 0));
  EXPECT_TRUE(RenewalDue(identity, 1500, 0));
  EXPECT_TRUE(RenewalDue(identity, 1451, -1));
  EXPECT_FALSE(RenewalDue(identity, 1449, -1));
  EXPECT_FALSE(RenewalDue(identity, 1549, 1));
}

}  // namespace
}  // namespace metsuke
