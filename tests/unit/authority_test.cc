#include "controller/ca/authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "controller/ca/client.h"
#include "controller/ca/server.h"
#include "proto/file.h"
#include "proto/framed_socket.h"
#include "proto/join_token.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

using testing::HasSubstr;

constexpr int64_t kMinute = 60, kDay = 86400;
constexpr uid_t kRoot = 0, kController = 1001, kEnrol = 1002, kOther = 1003;

// A host that wants to join.
struct Joiner {
  std::string key = *MakeKey();
  v1::AuthorityRequest request;

  explicit Joiner(const std::string& token) {
    const auto join = ParseJoinToken(token);
    v1::EnrolRequest& enrol = *request.mutable_enrol();
    if (join.ok()) enrol.set_token(join->id);
    if (join.ok()) enrol.set_secret(join->secret);
    enrol.set_hostname("web\n01");
    *enrol.mutable_request() = *MakeRequest(key);
  }
};

std::string NewToken(Authority& authority, int64_t now, uint32_t uses = 1) {
  v1::AuthorityRequest request;
  request.mutable_create_token()->set_uses(uses);
  request.mutable_create_token()->set_creator("aiko");
  const auto reply = authority.Answer(request, kRoot, now);
  EXPECT_EQ(reply.error(), "");
  return reply.token();
}

// What the journal of the authority in `dir` says, one number.
int64_t Journal(const std::string& dir, const std::string& sql) {
  sqlite3* db = nullptr;
  sqlite3_stmt* statement = nullptr;
  sqlite3_open_v2((dir + "/ca.db").c_str(), &db, SQLITE_OPEN_READWRITE,
                  nullptr);
  sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr);
  const int64_t found = sqlite3_step(statement) == SQLITE_ROW
                            ? sqlite3_column_int64(statement, 0)
                            : -1;
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return found;
}

class AuthorityTest : public testing::Test {
 protected:
  TestFleet fleet_;
  std::unique_ptr<Authority> authority_ =
      fleet_.Open({.controller_uid = kController, .enrol_uid = kEnrol});
  int64_t now_ = std::time(nullptr);

  v1::AuthorityReply Ask(const v1::AuthorityRequest& request) {
    return authority_->Answer(request, kEnrol, now_);
  }
};

TEST_F(AuthorityTest, GivesATokenHolderACertificateOfAWeek) {
  const Joiner joiner(NewToken(*authority_, now_));
  const auto reply = Ask(joiner.request);
  ASSERT_EQ(reply.error(), "");
  const auto identity = IdentityOf(reply.enrol().chain());
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->role, "host");
  EXPECT_EQ(identity->name, reply.enrol().host());
  EXPECT_EQ(identity->not_after, now_ + 7 * kDay);
  EXPECT_EQ(identity->serial.size(), 32u);
  EXPECT_TRUE(CheckKey(reply.enrol().chain(), joiner.key).ok());
  EXPECT_EQ(Journal(fleet_.state(),
                    "SELECT count(*) FROM issued WHERE serial = '" +
                        identity->serial + "' AND name = '" + identity->name +
                        "' AND reason LIKE 'token %'"),
            1);
}

// openssl verify(1) is the independent judge of the chain.
TEST_F(AuthorityTest, ChainsStandBeforeOpenssl) {
  const std::string main = fleet_.Issue("controller", "main");
  const std::string door = fleet_.Issue("enrol", "door");
  const auto verify = [&](const std::string& dir, const std::string& purpose) {
    return system(("openssl verify -x509_strict -purpose " + purpose +
                   " -CAfile " + dir + "/root.pem -untrusted " + dir +
                   "/certificate.pem " + dir +
                   "/certificate.pem >/dev/null 2>&1")
                      .c_str());
  };
  EXPECT_EQ(verify(main, "sslserver"), 0);
  EXPECT_EQ(verify(door, "sslserver"), 0);
  EXPECT_NE(verify(main, "sslclient"), 0);
  EXPECT_EQ(verify(fleet_.Issue("operator", "aiko"), "sslclient"), 0);
}

TEST_F(AuthorityTest, KeepsItsKeysToItself) {
  for (const char* file : {kRootKey, kIssuingKey, "/ca.db", "/ca.lock"}) {
    struct stat info;
    ASSERT_EQ(stat((fleet_.state() + file).c_str(), &info), 0) << file;
    EXPECT_EQ(info.st_mode & 07777, 0600u) << file;
  }
  EXPECT_TRUE(absl::IsAlreadyExists(InitAuthority(fleet_.state())));
}

TEST_F(AuthorityTest, TakesATokenOnce) {
  const std::string token = NewToken(*authority_, now_);
  EXPECT_EQ(Ask(Joiner(token).request).error(), "");
  const auto again = Ask(Joiner(token).request);
  EXPECT_THAT(again.error(), HasSubstr("was used before"));
  EXPECT_EQ(again.code(),
            static_cast<uint32_t>(absl::StatusCode::kAlreadyExists));
  EXPECT_FALSE(again.has_enrol());
}

TEST_F(AuthorityTest, TakesATokenUntilItExpires) {
  const std::string token = NewToken(*authority_, now_, 2);
  now_ += 10 * kMinute - 1;
  EXPECT_EQ(Ask(Joiner(token).request).error(), "");
  now_ += 1;
  EXPECT_THAT(Ask(Joiner(token).request).error(), HasSubstr("has expired"));
}

TEST_F(AuthorityTest, TellsAStrangerNothingAboutTokens) {
  const std::string token = NewToken(*authority_, now_);
  Joiner unknown(token), wrong(token), used(token);
  EXPECT_EQ(Ask(used.request).error(), "");
  unknown.request.mutable_enrol()->set_token("aaaaaaaaaa");
  wrong.request.mutable_enrol()->set_secret("aaaaaaaaaaaaaaaaaaaaaaaaaa");
  testing::internal::CaptureStderr();
  const auto first = Ask(unknown.request), second = Ask(wrong.request);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(first.error(), HasSubstr("not valid here"));
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
  EXPECT_THAT(log, HasSubstr("there is no such token"));
  EXPECT_THAT(log, HasSubstr("the secret is wrong"));
}

TEST_F(AuthorityTest, LogsNoSecretAndNoLineOfAHost) {
  testing::internal::CaptureStderr();
  const std::string token = NewToken(*authority_, now_);
  Ask(Joiner(token).request);
  Ask(Joiner(token).request);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("enrolled \"web\\x0a01\""));
  EXPECT_THAT(log, HasSubstr("refused to enrol \"web\\x0a01\""));
  EXPECT_THAT(log, Not(HasSubstr(ParseJoinToken(token)->secret)));
}

TEST_F(AuthorityTest, KeepsTheTokenWhenTheRequestIsDamaged) {
  const std::string token = NewToken(*authority_, now_);
  Joiner damaged(token), foreign(token);
  // The last byte belongs to the signature.
  damaged.request.mutable_enrol()->mutable_request()->back() ^= 1;
  EXPECT_THAT(Ask(damaged.request).error(), HasSubstr("signing request"));
  damaged.request.mutable_enrol()->set_request(std::string(4000, '0'));
  EXPECT_THAT(Ask(damaged.request).error(), HasSubstr("signing request"));
  damaged.request.mutable_enrol()->set_request(std::string(5000, '0'));
  EXPECT_THAT(Ask(damaged.request).error(), HasSubstr("too long"));
  const KeyPtr rsa(EVP_RSA_gen(2048));
  *foreign.request.mutable_enrol()->mutable_request() =
      *MakeRequest(ToPem(rsa.get()));
  EXPECT_THAT(Ask(foreign.request).error(), HasSubstr("P-256"));
  EXPECT_EQ(Ask(Joiner(token).request).error(), "");
}

TEST_F(AuthorityTest, RenewsWhomItEnrolled) {
  const auto first = Ask(Joiner(NewToken(*authority_, now_)).request);
  v1::AuthorityRequest renew;
  renew.mutable_renew()->set_host(first.enrol().host());
  *renew.mutable_renew()->mutable_request() = *MakeRequest(*MakeKey());
  const auto early = authority_->Answer(renew, kController, now_ + 59);
  EXPECT_THAT(early.error(), HasSubstr("less than a minute ago"));
  const auto reply = authority_->Answer(renew, kController, now_ + 60);
  ASSERT_EQ(reply.error(), "");
  const auto identity = IdentityOf(reply.enrol().chain());
  EXPECT_EQ(identity->name, first.enrol().host());
  EXPECT_EQ(identity->not_after, now_ + 60 + 7 * kDay);
  EXPECT_NE(identity->serial, IdentityOf(first.enrol().chain())->serial);
  renew.mutable_renew()->set_host("0b9c1de4-5b0e-4a6c-9f0a-1c2d3e4f5a6b");
  EXPECT_THAT(authority_->Answer(renew, kController, now_).error(),
              HasSubstr("never enrolled"));
  renew.mutable_renew()->set_host("../operator/aiko");
  EXPECT_THAT(authority_->Answer(renew, kController, now_).error(),
              HasSubstr("not the identity of a host"));
}

TEST_F(AuthorityTest, LetsEachUserAskForItsOwnOnly) {
  v1::AuthorityRequest renew, token, list, nothing;
  renew.mutable_renew();
  token.mutable_create_token();
  list.mutable_list_tokens();
  const Joiner enrol("");
  for (const auto& request : {renew, token, list, enrol.request, nothing}) {
    EXPECT_THAT(authority_->Answer(request, kOther, now_).error(),
                HasSubstr("may not ask"));
    const bool may = request.has_enrol();
    EXPECT_EQ(
        authority_->Answer(request, kEnrol, now_).error().find("may not ask") ==
            std::string::npos,
        may);
    EXPECT_THAT(authority_->Answer(request, kController, now_).error(),
                Not(HasSubstr("may not ask")));
  }
  EXPECT_THAT(authority_->Answer(nothing, kRoot, now_).error(),
              HasSubstr("unknown request"));
}

TEST_F(AuthorityTest, BoundsTokens) {
  v1::AuthorityRequest request;
  request.mutable_create_token()->set_ttl_seconds(kDay + 1);
  EXPECT_THAT(authority_->Answer(request, kRoot, now_).error(),
              HasSubstr("a day at most"));
  request.mutable_create_token()->set_ttl_seconds(0);
  request.mutable_create_token()->set_uses(1001);
  EXPECT_THAT(authority_->Answer(request, kRoot, now_).error(),
              HasSubstr("1000 uses"));
}

TEST_F(AuthorityTest, ListsTokensWithoutSecrets) {
  const std::string token = NewToken(*authority_, now_, 3);
  Ask(Joiner(token).request);
  v1::AuthorityRequest list;
  list.mutable_list_tokens();
  const auto reply = authority_->Answer(list, kController, now_);
  ASSERT_EQ(reply.tokens_size(), 1);
  EXPECT_EQ(reply.tokens(0).id(), ParseJoinToken(token)->id);
  EXPECT_EQ(reply.tokens(0).creator(), "aiko");
  EXPECT_EQ(reply.tokens(0).expires(), now_ + 10 * kMinute);
  EXPECT_EQ(reply.tokens(0).uses(), 3u);
  EXPECT_EQ(reply.tokens(0).used(), 1u);
}

// A hundred tokens with the longest creator must fit into one message.
TEST_F(AuthorityTest, ListOfTokensFitsAFrame) {
  v1::AuthorityRequest make, list;
  make.mutable_create_token()->set_creator(std::string(64, 'x'));
  for (int i = 0; i < 101; ++i) authority_->Answer(make, kRoot, now_ + i);
  list.mutable_list_tokens();
  const auto reply = authority_->Answer(list, kRoot, now_);
  EXPECT_EQ(reply.tokens_size(), 100);
  EXPECT_LE(reply.ByteSizeLong(), kMaxFrame);
}

TEST_F(AuthorityTest, JournalIsNeitherChangedNorShortened) {
  Ask(Joiner(NewToken(*authority_, now_)).request);
  authority_.reset();
  EXPECT_EQ(Journal(fleet_.state(), "DELETE FROM issued RETURNING 1"), -1);
  EXPECT_EQ(Journal(fleet_.state(), "UPDATE issued SET name = '' RETURNING 1"),
            -1);
  EXPECT_EQ(Journal(fleet_.state(), "SELECT count(*) FROM issued"), 1);
}

// Two authorities on one folder stand for two processes: a daemon, and an
// administrator's command beside it.
TEST_F(AuthorityTest, TwentyAtOnceGetOneHostFromATokenOfOneUse) {
  const auto second = fleet_.Open({.enrol_uid = kEnrol});
  const std::string token = NewToken(*authority_, now_);
  std::atomic<int> joined = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i)
    threads.emplace_back([&, i] {
      Authority& asked = i % 2 == 0 ? *authority_ : *second;
      const auto reply = asked.Answer(Joiner(token).request, kEnrol, now_);
      if (reply.error().empty()) ++joined;
      if (reply.error().find("was used before") != std::string::npos) ++refused;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(joined, 1);
  EXPECT_EQ(refused, 19);
  EXPECT_EQ(Journal(fleet_.state(),
                    "SELECT count(*) FROM issued WHERE role = 'host'"),
            1);
}

TEST_F(AuthorityTest, GoesOnWithAFreshIssuingCertificate) {
  const std::string before = fleet_.Issue("operator", "aiko");
  ASSERT_TRUE(ReissueAuthority(fleet_.state()).ok());
  const std::string after = fleet_.Issue("operator", "ben");
  EXPECT_EQ(*ReadFile(before + "/root.pem"), *ReadFile(after + "/root.pem"));
  authority_ = fleet_.Open({.enrol_uid = kEnrol});
  const Joiner joiner(NewToken(*authority_, now_));
  EXPECT_EQ(Ask(joiner.request).error(), "");
}

TEST_F(AuthorityTest, IssuesNothingBeyondItsOwnEnd) {
  now_ += 363 * kDay;
  const auto late = Ask(Joiner(NewToken(*authority_, now_)).request);
  ASSERT_EQ(late.error(), "");
  EXPECT_LT(IdentityOf(late.enrol().chain())->not_after, now_ + 3 * kDay);
  now_ += 3 * kDay;
  EXPECT_THAT(Ask(Joiner(NewToken(*authority_, now_)).request).error(),
              HasSubstr("reissue"));
}

TEST_F(AuthorityTest, LocalWishesAreChecked) {
  const auto wish = [&](LocalWish what) {
    return Message(IssueLocally(fleet_.state(), what, fleet_ / "out"));
  };
  EXPECT_THAT(wish({"operator", "Aiko", 1, {}}),
              HasSubstr("no certificate for"));
  EXPECT_THAT(wish({"host", "x", 1, {}}), HasSubstr("no certificate for"));
  EXPECT_THAT(wish({"operator", "a", 0, {}}), HasSubstr("--days"));
  EXPECT_THAT(wish({"controller", "a", 1, {"a,URI:spiffe://x"}}),
              HasSubstr("no DNS name"));
  EXPECT_EQ(wish({"controller", "a", 1, {"metsuke.example"}}), "");
  ASSERT_EQ(chmod((fleet_ / "out").c_str(), 0777), 0);
  EXPECT_THAT(wish({"controller", "a", 1, {}}), HasSubstr("others may write"));
}

TEST_F(AuthorityTest, AnswersOverItsSocketAndSaysWhenItIsGone) {
  const std::string socket = fleet_ / "s";
  const AuthorityClient client(socket);
  EXPECT_THAT(Message(client.ListTokens().status()),
              HasSubstr("metsuke-ca cannot be reached"));
  auto served = ServeAuthority(*authority_, socket);
  ASSERT_TRUE(served.ok()) << served.status();
  EXPECT_TRUE(
      absl::IsAlreadyExists(ServeAuthority(*authority_, socket).status()));
  const auto token = client.CreateToken({});
  ASSERT_TRUE(token.ok()) << token.status();
  Joiner joiner(*token);
  const auto enrolled = client.Enrol(joiner.request.enrol());
  ASSERT_TRUE(enrolled.ok()) << enrolled.status();
  EXPECT_EQ(client.ListTokens()->size(), 1u);
  EXPECT_TRUE(
      absl::IsAlreadyExists(client.Enrol(joiner.request.enrol()).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(
      client.Renew(enrolled->host(), joiner.request.enrol().request())
          .status()));
  // The socket of a program that is gone does not stand in the way.
  served->reset();
  EXPECT_TRUE(ServeAuthority(*authority_, socket).ok());
}

TEST_F(AuthorityTest, CutsOffWhoSaysNothingOrTooMuch) {
  const std::string path = fleet_ / "s";
  auto served =
      ServeAuthority(*authority_, path, std::chrono::milliseconds(200));
  ASSERT_TRUE(served.ok());
  const auto start = std::chrono::steady_clock::now();
  const auto end = start + std::chrono::seconds(5);
  auto silent = FramedSocket::ConnectUnix(path, end);
  ASSERT_TRUE(silent.ok());
  v1::AuthorityReply reply;
  EXPECT_TRUE(absl::IsUnavailable(silent->Receive(reply)));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  auto large = FramedSocket::ConnectUnix(path, end);
  ASSERT_EQ(send(large->fd(), "\x7f\xff\xff\xff", 4, 0), 4);
  EXPECT_TRUE(absl::IsUnavailable(large->Receive(reply)));
}

TEST_F(AuthorityTest, WhoMayAskForNothingKeepsNobodyWaiting) {
  const TemporaryFolder folder;
  boost::filesystem::permissions(
      folder.path(), boost::filesystem::add_perms |
                         boost::filesystem::others_exe);
  const std::string path = folder / "s";
  auto served = ServeAuthority(*authority_, path, std::chrono::seconds(60));
  ASSERT_TRUE(served.ok()) << served.status();
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t stranger = fork();
  if (stranger == 0) {
    if (setgid(kOther) != 0 || setuid(kOther) != 0) _exit(1);
    const auto end = std::chrono::steady_clock::now() + std::chrono::hours(1);
    std::vector<FramedSocket> silent;
    for (int i = 0; i < 40; ++i) {
      auto socket = FramedSocket::ConnectUnix(path, end);
      if (!socket.ok()) _exit(2);
      silent.push_back(*std::move(socket));
    }
    v1::AuthorityReply reply;
    const bool told = silent[0].Receive(reply).ok() &&
                      reply.error().find("may not ask") != std::string::npos;
    if (write(ready[1], told ? "y" : "n", 1) == 1) pause();
    _exit(0);
  }
  close(ready[1]);
  char told = 'n';
  EXPECT_EQ(read(ready[0], &told, 1), 1);
  EXPECT_EQ(told, 'y');
  EXPECT_TRUE(AuthorityClient(path).ListTokens().ok());
  kill(stranger, SIGKILL);
  waitpid(stranger, nullptr, 0);
  close(ready[0]);
}

}  // namespace
}  // namespace metsuke
