// metsuke-probe against servers that lie, stall and shout, and a real sshd.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <future>
#include <thread>

#include "absl/strings/str_split.h"
#include "agent/probe/confine.h"
#include "agent/probe/hello.h"
#include "agent/probe/knock.h"
#include "agent/probe/survey.h"
#include "proto/run.h"
#include "proto/ssh_probe.h"
#include "tests/unit/host_folder.h"

namespace metsuke {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kName[] = "SSH-2.0-Test_1 of this file\r\n";

std::string Number(uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(number >> shift);
  return bytes;
}
std::string List(const std::string& names) {
  return Number(names.size()) + names;
}
// An unencrypted packet (RFC 4253, 6) with 4 bytes of padding.
std::string Packet(const std::string& payload) {
  return Number(payload.size() + 5) + '\4' + payload + std::string(4, '\0');
}
std::string KexInit(
    const std::string& kex =
        "curve25519-sha256,ext-info-s,kex-strict-s-v00@openssh.com") {
  return Packet('\24' + std::string(16, 'c') + List(kex) +
                List("ssh-ed25519,rsa-sha2-512,rsa-sha2-256") +
                List("aes256-ctr") + List("aes128-ctr,aes256-ctr") +
                List("hmac-sha2-256") + List("hmac-sha2-256") + List("none") +
                List("none,zlib") + List("") + List("") + std::string(5, '\0'));
}

TEST(ServerHello, HasTheNameAndTheLists) {
  const ServerHello hello = ParseHello(kName + KexInit());
  EXPECT_EQ(hello.wrong, "");
  EXPECT_EQ(hello.software, "SSH-2.0-Test_1 of this file");
  ASSERT_TRUE(hello.complete);
  EXPECT_THAT(hello.kex, ElementsAre("curve25519-sha256", "ext-info-s",
                                     "kex-strict-s-v00@openssh.com"));
  EXPECT_THAT(hello.host_keys,
              ElementsAre("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"));
  EXPECT_THAT(hello.ciphers[0], ElementsAre("aes256-ctr"));
  EXPECT_THAT(hello.ciphers[1], ElementsAre("aes128-ctr", "aes256-ctr"));
  EXPECT_THAT(hello.macs[1], ElementsAre("hmac-sha2-256"));
  EXPECT_THAT(hello.compressions[1], ElementsAre("none", "zlib"));
}

TEST(ServerHello, MayFollowOtherLinesAndComeInParts) {
  const std::string all = "Welcome.\r\n\nSSH-1.99-Old\n" + KexInit();
  EXPECT_EQ(ParseHello(all).software, "SSH-1.99-Old");
  EXPECT_TRUE(ParseHello(all).complete);
  for (size_t size = 0; size < all.size(); ++size) {
    const ServerHello part = ParseHello(all.substr(0, size));
    EXPECT_FALSE(part.complete) << size;
    EXPECT_EQ(part.wrong, "") << size;
  }
}

TEST(ServerHello, SaysWhatIsNotOne) {
  const std::string name = kName;
  EXPECT_EQ(ParseHello("SSH-1.5-Ancient\n").wrong,
            "it speaks a version of SSH before 2");
  EXPECT_EQ(ParseHello(std::string(9000, 'x')).wrong,
            "a line of more than 8192 bytes");
  EXPECT_THAT(ParseHello(std::string(2000, '\n')).wrong,
              HasSubstr("none is the name"));
  EXPECT_EQ(ParseHello(name + Number(1) + "more").wrong,
            "its first packet says it has 1 bytes");
  EXPECT_EQ(ParseHello(name + Number(90000)).wrong,
            "its first packet says it has 90000 bytes");
  EXPECT_EQ(ParseHello(name + Number(5) + "\4more").wrong,
            "its first packet is all padding");
  EXPECT_EQ(ParseHello(name + Packet("\2ignored")).wrong,
            "its first message has the number 2, not 20");
  const std::string cut = '\24' + std::string(16, 'c') + Number(99) + "kex";
  EXPECT_EQ(ParseHello(name + Packet(cut)).wrong,
            "its offer ends in the middle");
  const std::string lists = KexInit();
  const std::string payload = lists.substr(5, lists.size() - 9);
  EXPECT_TRUE(ParseHello(name + Packet(payload)).complete);
  const ServerHello early =
      ParseHello(name + Packet(payload.substr(0, payload.size() - 1)));
  EXPECT_EQ(early.wrong, "its offer ends in the middle");
  EXPECT_FALSE(early.complete);
}

TEST(AccountName, IsPlainOrNotAskedFor) {
  for (const char* plain : {"root", "Web_1.x-y"})
    EXPECT_TRUE(IsPlainAccount(plain)) << plain;
  for (const char* other : {"", "-oX", "a b", "a;b", "a%h", "a@b", "ü"})
    EXPECT_FALSE(IsPlainAccount(other)) << other;
  EXPECT_FALSE(IsPlainAccount(std::string(65, 'a')));
}

// A server on a port of the loopback that treats each client alike.
class Server {
 public:
  explicit Server(std::function<void(int)> serve) : serve_(std::move(serve)) {
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{.sin_family = AF_INET,
                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(socket_, 8), 0);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      int client;
      while ((client = accept(socket_, nullptr, nullptr)) >= 0) {
        serve_(client);
        close(client);
      }
    });
  }
  ~Server() {
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    close(socket_);
  }
  uint16_t port() const { return port_; }

 private:
  std::function<void(int)> serve_;
  int socket_;
  uint16_t port_;
  std::thread thread_;
};

bool Send(int client, const std::string& bytes) {
  return send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}
// What comes until the other side goes.
std::string ReadAll(int socket) {
  std::string all;
  char buffer[4096];
  ssize_t got;
  while ((got = recv(socket, buffer, sizeof buffer, 0)) > 0)
    all.append(buffer, static_cast<size_t>(got));
  return all;
}
void Wait(int client) { ReadAll(client); }
// Whether the other side goes although nothing is read of what it sends.
bool HangsUp(int socket) {
  pollfd file{socket, 0, 0};
  return poll(&file, 1, 20000) == 1;
}

v1::SshEndpoint KnockAt(uint16_t port, int milliseconds = 5000) {
  const auto began = std::chrono::steady_clock::now();
  const Answer answer =
      Knock({"127.0.0.1", port, "root", ""},
            {std::chrono::milliseconds(milliseconds), 64 << 10});
  EXPECT_LT(std::chrono::steady_clock::now() - began,
            std::chrono::milliseconds(milliseconds + 2000));
  return answer.endpoint;
}
v1::SshEndpoint Of(std::function<void(int)> serve, int milliseconds = 5000) {
  const Server server(std::move(serve));
  return KnockAt(server.port(), milliseconds);
}

TEST(Knock, SaysWhoIsNotThere) {
  uint16_t port;
  {
    port = Server([](int) {}).port();
  }
  const v1::SshEndpoint row = KnockAt(port);
  EXPECT_EQ(row.outcome(), "refused");
  EXPECT_EQ(row.message(), "nothing listens there");
  EXPECT_EQ(Knock({"localhost", 22, "root", ""}).endpoint.outcome(), "failed");
}

// To which nobody has a route: TCP knows no broadcasts.
TEST(Knock, DoesNotTakeItsOwnMachineForTheServer) {
  const v1::SshEndpoint row =
      Knock({"255.255.255.255", 22, "root", ""}).endpoint;
  EXPECT_EQ(row.outcome(), "failed");
  EXPECT_THAT(row.message(), HasSubstr("no way to it from here: "));
}

TEST(Knock, SaysWhoHangsUp) {
  const v1::SshEndpoint mute = Of([](int) {});
  EXPECT_EQ(mute.outcome(), "closed");
  EXPECT_EQ(mute.message(), "the server hung up without a word");
  EXPECT_EQ(mute.source(), "127.0.0.1");
  const v1::SshEndpoint named = Of([](int client) { Send(client, kName); });
  EXPECT_EQ(named.outcome(), "closed");
  EXPECT_EQ(named.message(), "the server hung up");
  EXPECT_EQ(named.software(), "SSH-2.0-Test_1 of this file");
}

// With the queue of its connections full a listener does not say a word.
TEST(Knock, SaysWhereNobodyTakesTheConnection) {
  std::array<int, 4> sockets;
  for (int& file : sockets)
    file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{.sin_family = AF_INET,
                      .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(sockets[0], reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(sockets[0], 0), 0);
  getsockname(sockets[0], reinterpret_cast<sockaddr*>(&address), &size);
  for (size_t i = 1; i < sockets.size(); ++i)
    connect(sockets[i], reinterpret_cast<sockaddr*>(&address), size);
  const v1::SshEndpoint row = KnockAt(ntohs(address.sin_port), 200);
  EXPECT_EQ(row.outcome(), "timeout");
  EXPECT_EQ(row.message(), "no answer to the attempt to connect");
  for (const int file : sockets) close(file);
}

TEST(Knock, DoesNotWaitForWhoStalls) {
  const v1::SshEndpoint mute = Of(Wait, 300);
  EXPECT_EQ(mute.outcome(), "timeout");
  EXPECT_EQ(mute.message(), "not done after 300 ms");
  const v1::SshEndpoint named = Of(
      [](int client) {
        Send(client, kName + KexInit());
        Wait(client);
      },
      2000);
  EXPECT_EQ(named.outcome(), "timeout");
  EXPECT_THAT(named.software(), HasSubstr("Test_1"));
}

TEST(Knock, SaysWhoSpeaksSomethingElse) {
  const v1::SshEndpoint web =
      Of([](int client) { Send(client, "HTTP/1.1 400 Bad Request\r\n\r\n"); });
  EXPECT_EQ(web.outcome(), "not_ssh");
  EXPECT_EQ(web.message(), "what it says has no name of SSH");
  EXPECT_EQ(web.software(), "");
  const v1::SshEndpoint old = Of([](int client) {
    Send(client, "SSH-1.5-Ancient\r\n");
    Wait(client);
  });
  EXPECT_EQ(old.outcome(), "not_ssh");
  EXPECT_EQ(old.message(), "it speaks a version of SSH before 2");
  const v1::SshEndpoint endless = Of([](int client) {
    Send(client, std::string(9000, 'x'));
    Wait(client);
  });
  EXPECT_EQ(endless.outcome(), "not_ssh");
  EXPECT_EQ(endless.message(), "a line of more than 8192 bytes");
  const v1::SshEndpoint broken = Of([](int client) {
    Send(client, kName + std::string(100, '\0'));
    Wait(client);
  });
  EXPECT_EQ(broken.outcome(), "no_agreement");
  EXPECT_EQ(broken.message(), "its first packet says it has 0 bytes");
}

// The library hangs up then, and the relay has nothing to say.
TEST(Knock, SaysOnWhatThereIsNoAgreement) {
  const Server server([](int client) {
    Send(client, kName + KexInit("kex-of-this-file"));
    Wait(client);
  });
  const Answer answer = Knock({"127.0.0.1", server.port(), "root", ""},
                              {std::chrono::minutes(1)});
  EXPECT_EQ(answer.endpoint.outcome(), "no_agreement");
  EXPECT_THAT(answer.endpoint.message(), Not(IsEmpty()));
  ASSERT_TRUE(answer.hello);
  EXPECT_THAT(answer.hello->kex, ElementsAre("kex-of-this-file"));
  EXPECT_FALSE(answer.key);
  const Answer refused =
      Knock({"127.0.0.1", server.port(), "root", "no-key-there-is"});
  EXPECT_EQ(refused.endpoint.outcome(), "failed");
  EXPECT_EQ(refused.endpoint.message(), "the SSH library refused its settings");
}

TEST(Knock, HasNoOfferOfWhoMakesNone) {
  const Server server([](int client) { Send(client, kName); });
  EXPECT_FALSE(Knock({"127.0.0.1", server.port(), "root", ""}).hello);
}

// More comes at once than is taken, so that the library hears nothing of it.
TEST(Knock, ThatItWasTooMuchOutweighsWhatItWas) {
  for (const std::string& bytes :
       {std::string(101, '\n'), kName + std::string(101, '\0')}) {
    const Server server([&](int client) {
      Send(client, bytes);
      Wait(client);
    });
    const v1::SshEndpoint row = Knock({"127.0.0.1", server.port(), "root", ""},
                                      {std::chrono::minutes(1), 100})
                                    .endpoint;
    EXPECT_EQ(row.outcome(), "too_much");
    EXPECT_EQ(row.message(), "the server sent more than 100 bytes");
  }
}

// Agrees on keys with the client, and then does as it is told.
std::function<void(int)> Agreed(std::function<void(ssh_session)> then) {
  return [then = std::move(then)](int client) {
    ssh_key key = nullptr;
    EXPECT_EQ(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key), SSH_OK);
    const ssh_bind bound = ssh_bind_new();
    const bool no = false;
    ssh_bind_options_set(bound, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
    ssh_bind_options_set(bound, SSH_BIND_OPTIONS_IMPORT_KEY, key);
    const ssh_session session = ssh_new();
    EXPECT_EQ(ssh_bind_accept_fd(bound, session, dup(client)), SSH_OK);
    EXPECT_EQ(ssh_handle_key_exchange(session), SSH_OK);
    then(session);
    ssh_free(session);
    ssh_bind_free(bound);
  };
}

TEST(Knock, SaysWhoStallsOrHangsUpOnceKeysAreAgreedOn) {
  const v1::SshEndpoint stalls =
      Of(Agreed([](ssh_session session) { Wait(ssh_get_fd(session)); }), 2000);
  EXPECT_EQ(stalls.outcome(), "timeout");
  EXPECT_EQ(stalls.message(), "not done after 2000 ms");
  EXPECT_EQ(Of(Agreed([](ssh_session) {})).outcome(), "closed");
}

TEST(Knock, SaysWhoAsksForNothing) {
  const Server server(Agreed([](ssh_session session) {
    while (const ssh_message message = ssh_message_get(session)) {
      if (ssh_message_type(message) == SSH_REQUEST_AUTH)
        ssh_message_auth_reply_success(message, 0);
      else
        ssh_message_service_reply_success(message);
      ssh_message_free(message);
    }
  }));
  const Answer answer = Knock({"127.0.0.1", server.port(), "root", ""},
                              {std::chrono::minutes(1)});
  EXPECT_EQ(answer.endpoint.outcome(), "answered") << answer.endpoint.message();
  EXPECT_EQ(answer.endpoint.methods(), "none");
  ASSERT_TRUE(answer.key);
  EXPECT_EQ(answer.key->type(), "ssh-ed25519");
}

TEST(Knock, StopsListeningToWhoNeverEnds) {
  const v1::SshEndpoint lines = Of([](int client) {
    while (Send(client, std::string(1000, 'x') + "\n")) {
    }
  });
  // The library may have enough before the relay has.
  EXPECT_THAT(lines.outcome(), AnyOf("too_much", "not_ssh"));
  // SSH_MSG_IGNORE (RFC 4253, 11.2) again and again.
  const v1::SshEndpoint packets = Of([](int client) {
    Send(client, kName + KexInit());
    while (Send(client, Packet('\2' + List(std::string(100, 'x'))))) {
    }
  });
  EXPECT_NE(packets.outcome(), "answered");
  EXPECT_NE(packets.outcome(), "timeout");
}

// Not in every container: some forbid to ask for it.
bool HasLandlock() {
  return syscall(SYS_landlock_create_ruleset, nullptr, 0,
                 LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

// In a child, for there is no way back.
TEST(ConfineProbe, ClosesFilesAndLeavesTheNetwork) {
  const Server server([](int client) { Send(client, kName); });
  const bool landlock = HasLandlock();
  EXPECT_EXIT(
      {
        const absl::Status status = ConfineProbe();
        const bool opened = open("/etc/passwd", O_RDONLY) >= 0;
        const bool refused = !opened && errno == EACCES;
        const bool gains = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
        const bool traced = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0;
        const bool capable = unshare(CLONE_NEWNS) == 0;
        Relay relay;
        const Ending ending = relay.Connect("127.0.0.1", server.port());
        _exit(!status.ok()              ? 1
              : refused != landlock     ? 2
              : gains                   ? 3
              : traced                  ? 4
              : capable                 ? 5
              : !ending.outcome.empty() ? 6
                                        : 0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(Relay, EndsAfterSoManyBytesAndKeepsTheFirst) {
  const Server server([](int client) {
    while (Send(client, std::string(1000, 'x'))) {
    }
  });
  Relay relay({std::chrono::seconds(5), 100 << 10});
  ASSERT_EQ(relay.Connect("127.0.0.1", server.port()).outcome, "");
  const int end = relay.ReleaseEnd();
  Wait(end);
  close(end);
  EXPECT_EQ(relay.Stop().size(), 64u << 10);
  EXPECT_EQ(relay.ending().outcome, "too_much");
  EXPECT_EQ(relay.ending().message, "the server sent more than 102400 bytes");
}

TEST(Relay, LetsPassAsMuchAsTheLimitAndNoByteMore) {
  for (const auto& [bytes, outcome] :
       {std::pair(1000, "closed"), std::pair(1001, "too_much")}) {
    const Server server(
        [&](int client) { Send(client, std::string(bytes, 'x')); });
    Relay relay({std::chrono::minutes(1), 1000});
    ASSERT_EQ(relay.Connect("127.0.0.1", server.port()).outcome, "");
    const int end = relay.ReleaseEnd();
    Wait(end);
    close(end);
    EXPECT_EQ(relay.Stop(), std::string(bytes, 'x'));
    EXPECT_EQ(relay.ending().outcome, outcome);
  }
}

// More than the kernel holds, and read later: the relay gets it rid in parts.
TEST(Relay, LosesNothingWhereTheReaderIsSlow) {
  std::string much;
  for (int i = 0; much.size() < 12 << 20; ++i) much += std::to_string(i) + ' ';
  constexpr auto kPause = std::chrono::milliseconds(100);
  std::string got;
  const Server server([&](int client) {
    Send(client, much);
    std::this_thread::sleep_for(kPause);
    got = ReadAll(client);
  });
  Relay relay({std::chrono::minutes(1), much.size()});
  ASSERT_EQ(relay.Connect("127.0.0.1", server.port()).outcome, "");
  const int end = relay.ReleaseEnd();
  std::this_thread::sleep_for(kPause);
  std::string heard(much.size(), '\0');
  ASSERT_EQ(recv(end, heard.data(), heard.size(), MSG_WAITALL),
            static_cast<ssize_t>(much.size()));
  EXPECT_TRUE(heard == much);
  EXPECT_TRUE(Send(end, much));
  shutdown(end, SHUT_WR);
  Wait(end);
  close(end);
  relay.Stop();
  EXPECT_EQ(relay.ending().outcome, "");
  // The server ends with the connection.
  for (int i = 0; i < 400 && got.size() < much.size(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(got == much);
}

// The limit is more than the library's socket holds, and less than the server
// has sent by then.
TEST(Relay, EndsInTimeWithALibraryThatTakesNothing) {
  const Server server([](int client) {
    while (Send(client, std::string(1000, 'x'))) {
    }
  });
  Relay relay({std::chrono::milliseconds(300), 512 << 10});
  ASSERT_EQ(relay.Connect("127.0.0.1", server.port()).outcome, "");
  const int end = relay.ReleaseEnd();
  EXPECT_TRUE(HangsUp(end));
  EXPECT_GE(ProbeClock::now(), relay.until());
  close(end);
  relay.Stop();
  EXPECT_EQ(relay.ending().outcome, "timeout");
}

TEST(Relay, EndsInTimeWithAServerThatTakesNothing) {
  std::promise<void> over;
  const Server server([&](int) { over.get_future().wait(); });
  Relay relay({std::chrono::milliseconds(300), 1000});
  ASSERT_EQ(relay.Connect("127.0.0.1", server.port()).outcome, "");
  const int end = relay.ReleaseEnd();
  while (Send(end, std::string(1000, 'x'))) {
  }
  EXPECT_GE(ProbeClock::now(), relay.until());
  close(end);
  relay.Stop();
  over.set_value();
  EXPECT_EQ(relay.ending().outcome, "timeout");
}

TEST(Relay, HasNoTimeLeftOnceItIsOver) {
  const Server server(Wait);
  Relay relay({std::chrono::milliseconds(-50), 1000});
  Ending ending = relay.Connect("127.0.0.1", server.port());
  // The kernel may have connected at once.
  if (ending.outcome.empty()) {
    const int end = relay.ReleaseEnd();
    EXPECT_TRUE(HangsUp(end));
    close(end);
    relay.Stop();
    ending = relay.ending();
  }
  EXPECT_EQ(ending.outcome, "timeout");
}

TEST(Relay, IsDoneWhenTheLibraryIs) {
  const Server mute(Wait);
  Relay relay({std::chrono::seconds(10), 1000});
  ASSERT_EQ(relay.Connect("127.0.0.1", mute.port()).outcome, "");
  const int end = relay.ReleaseEnd();
  shutdown(end, SHUT_WR);
  Wait(end);
  close(end);
  relay.Stop();
  EXPECT_EQ(relay.ending().outcome, "");

  // With bytes on the way that nobody takes any more.
  const Server loud([](int client) {
    while (Send(client, std::string(1000, 'x'))) {
    }
  });
  Relay filled({std::chrono::minutes(1), 8 << 20});
  ASSERT_EQ(filled.Connect("127.0.0.1", loud.port()).outcome, "");
  const int left = filled.ReleaseEnd();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  close(left);
  filled.Stop();
  EXPECT_EQ(filled.ending().outcome, "");
}

TEST(Relay, ConnectsToAddressesAlone) {
  const Ending ending = Relay().Connect("localhost", 22);
  EXPECT_EQ(ending.outcome, "failed");
  EXPECT_EQ(ending.message, "not an IP address");
}

TEST(Knock, KeepsTheBytesOfANameApart) {
  const v1::SshEndpoint row =
      Of([](int client) { Send(client, "SSH-2.0-\xff\x1b[2J\r\n"); });
  EXPECT_EQ(row.software(), "SSH-2.0-\uFFFD\x1b[2J");
}

// Answers of a server that has an Ed25519 and an RSA key and an account that
// is offered more.
class Script {
 public:
  Answer operator()(const Question& question) {
    asked.push_back(question.account + " " + question.host_keys);
    Answer answer;
    answer.endpoint.set_account(question.account);
    answer.endpoint.set_outcome(
        static_cast<int>(asked.size()) == fails_at ? "closed" : "answered");
    if (answer.endpoint.outcome() == "closed") return answer;
    answer.endpoint.set_methods(
        question.account == "root" ? "publickey" : "password,publickey");
    answer.hello = ParseHello(kName + KexInit());
    answer.key.emplace();
    const bool rsa = question.host_keys.starts_with("rsa");
    answer.key->set_type(rsa ? "ssh-rsa" : "ssh-ed25519");
    answer.key->set_fingerprint(rsa ? "SHA256:r" : "SHA256:e");
    return answer;
  }
  std::vector<std::string> asked;
  int fails_at = 0;
};

v1::Snapshot SurveyOf(Script& script, std::vector<std::string> accounts) {
  return Survey({"*:22", "127.0.0.1", 22, std::move(accounts)},
                std::ref(script));
}

TEST(Survey, LearnsAllKeysFromAsFewConversationsAsAccountsTake) {
  Script script;
  const v1::Snapshot seen = SurveyOf(script, {"root", "web"});
  EXPECT_THAT(script.asked,
              ElementsAre("root ", "web rsa-sha2-512,rsa-sha2-256"));
  ASSERT_EQ(seen.ssh_endpoints_size(), 2);
  EXPECT_EQ(seen.ssh_endpoints(0).methods(), "publickey");
  EXPECT_EQ(seen.ssh_endpoints(1).methods(), "password,publickey");
  EXPECT_EQ(seen.ssh_endpoints(1).listener(), "*:22");
  ASSERT_EQ(seen.ssh_host_keys_size(), 2);
  EXPECT_EQ(seen.ssh_host_keys(0).type(), "ssh-ed25519");
  EXPECT_EQ(seen.ssh_host_keys(1).type(), "ssh-rsa");
}

TEST(Survey, AsksAgainForAKeyThatNoAccountCameWith) {
  Script script;
  const v1::Snapshot seen = SurveyOf(script, {"root"});
  EXPECT_EQ(script.asked.size(), 2u);
  EXPECT_EQ(seen.ssh_endpoints_size(), 1);
  EXPECT_EQ(seen.ssh_host_keys_size(), 2);
}

TEST(Survey, TellsMarksFromAlgorithmsAndOneWayFromBoth) {
  Script script;
  const v1::Snapshot seen = SurveyOf(script, {"root"});
  std::map<std::string, std::string> rows;
  for (const auto& row : seen.ssh_algorithms())
    rows[row.kind() + " " + row.name()] = row.direction();
  EXPECT_EQ(rows["extension kex-strict-s-v00@openssh.com"], "both");
  EXPECT_EQ(rows["kex curve25519-sha256"], "both");
  EXPECT_EQ(rows["cipher aes256-ctr"], "both");
  EXPECT_EQ(rows["cipher aes128-ctr"], "to_client");
  EXPECT_EQ(rows["compression zlib"], "to_client");
  EXPECT_EQ(rows["extension ext-info-s"], "both");
  EXPECT_EQ(rows.size(), 11u);
}

TEST(Survey, DoesNotAskAgainWhereItGotNoAnswer) {
  Script script;
  script.fails_at = 1;
  const v1::Snapshot seen = SurveyOf(script, {"root", "web"});
  EXPECT_EQ(script.asked.size(), 1u);
  ASSERT_EQ(seen.ssh_endpoints_size(), 2);
  EXPECT_EQ(seen.ssh_endpoints(1).account(), "web");
  EXPECT_EQ(seen.ssh_endpoints(1).outcome(), "closed");
}

std::vector<std::string> Gaps(const v1::Snapshot& seen) {
  std::vector<std::string> gaps;
  for (const v1::Gap& gap : seen.gaps())
    gaps.push_back(gap.table() + " " + gap.subject() + " " + gap.reason());
  return gaps;
}

TEST(Survey, SaysWhatAServerThatDoesNotAnswerHasNotTold) {
  Script script;
  EXPECT_THAT(Gaps(SurveyOf(script, {"root"})), IsEmpty());
  Script closes;
  closes.fails_at = 1;
  EXPECT_THAT(
      Gaps(SurveyOf(closes, {"root"})),
      ElementsAre("ssh_endpoints *:22 closed: ", "ssh_algorithms *:22 closed: ",
                  "ssh_host_keys *:22 closed: "));
  Script later;
  later.fails_at = 2;
  EXPECT_THAT(Gaps(SurveyOf(later, {"root"})),
              ElementsAre("ssh_endpoints *:22 closed: ",
                          "ssh_host_keys *:22 ssh-rsa was not shown when asked "
                          "for"));
}

TEST(Survey, IsBoundedByNumber) {
  Script script;
  const v1::Snapshot seen =
      SurveyOf(script, {"a", "b", "c", "d", "e", "f", "g", "h"});
  EXPECT_EQ(script.asked.size(), size_t(kMostKnocks));
}

// --- a real sshd ---

std::string Shell(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  char buffer[4096];
  size_t got;
  while ((got = fread(buffer, 1, sizeof buffer, pipe)) > 0)
    text.append(buffer, got);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

class RealSshd {
 public:
  explicit RealSshd(const std::string& options) {
    mkdir("/run/sshd", 0755);
    const std::string dir = folder_.path().string();
    std::string config = "Port " + std::to_string(port_) +
                         "\nListenAddress 127.0.0.1\nUsePAM no\nPidFile " +
                         dir + "/pid\n" + options;
    for (const char* type : {"ed25519", "ecdsa", "rsa"}) {
      const std::string key = dir + "/" + type;
      Shell(std::string("ssh-keygen -q -N '' -t ") + type + " -f " + key);
      config = "HostKey " + key + "\n" + config;
    }
    folder_.Write("config", config);
    pid_ = fork();
    if (pid_ == 0) {
      const std::string file = dir + "/config";
      execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-f", file.c_str(), "-E",
            "/dev/null", nullptr);
      _exit(127);
    }
    for (int i = 0; i < 500; ++i) {
      if (boost::filesystem::exists(folder_.path() / "pid")) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "sshd does not start";
  }
  ~RealSshd() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  uint16_t port() const { return port_; }
  std::string path(const std::string& name) const {
    return (folder_.path() / name).string();
  }
  // The value of a keyword by sshd itself.
  std::string Says(const std::string& keyword) const {
    for (const auto line :
         absl::StrSplit(Shell("/usr/sbin/sshd -T -f " + path("config")), '\n'))
      if (absl::string_view rest = line; line.find(keyword + " ") == 0)
        return std::string(rest.substr(keyword.size() + 1));
    return "";
  }

 private:
  HostFolder folder_;
  const uint16_t port_ = static_cast<uint16_t>(20000 + getpid() % 20000);
  pid_t pid_;
};

std::set<std::string> Apart(const std::string& names) {
  return absl::StrSplit(names, ',');
}

// Through the program, as the agent runs it.
v1::Snapshot Probe(uint16_t port, const std::vector<std::string>& accounts) {
  std::vector<std::string> argv = {METSUKE_BINARY "/bin/metsuke-probe",
                                   "127.0.0.1",
                                   "--port",
                                   std::to_string(port),
                                   "--output",
                                   "binary"};
  for (const std::string& account : accounts) {
    argv.push_back("--account");
    argv.push_back(account);
  }
  RunOptions options;
  options.deadline = kLongestRun;
  const auto printed = RunProgram(argv, options);
  EXPECT_TRUE(printed.ok()) << printed.status();
  v1::Snapshot seen;
  EXPECT_TRUE(printed.ok() && seen.ParseFromString(*printed));
  return seen;
}

TEST(TruthProbe, SeesWhatSshdOffers) {
  const RealSshd sshd(
      "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
      "Match User daemon\n  PasswordAuthentication yes\n"
      "Match User sync\n  PasswordAuthentication yes\n"
      "  AuthenticationMethods publickey,password\n"
      "Match User games\n  KbdInteractiveAuthentication yes\n"
      "  HostbasedAuthentication yes\n");
  const v1::Snapshot seen =
      Probe(sshd.port(), {"root", "daemon", "sync", "games"});
  ASSERT_EQ(seen.ssh_endpoints_size(), 4);
  for (const auto& row : seen.ssh_endpoints()) {
    EXPECT_EQ(row.outcome(), "answered") << row.message();
    EXPECT_THAT(row.software(), HasSubstr("OpenSSH"));
  }
  EXPECT_EQ(seen.ssh_endpoints(0).methods(), "publickey");
  EXPECT_EQ(seen.ssh_endpoints(1).methods(), "password,publickey");
  EXPECT_EQ(seen.ssh_endpoints(2).methods(), "publickey");
  EXPECT_EQ(seen.ssh_endpoints(3).methods(),
            "hostbased,keyboard-interactive,publickey");

  std::map<std::string, std::set<std::string>> offered;
  for (const auto& row : seen.ssh_algorithms()) {
    offered[row.kind()].insert(row.name());
    EXPECT_EQ(row.direction(), "both");
  }
  EXPECT_EQ(offered["kex"], Apart(sshd.Says("kexalgorithms")));
  EXPECT_EQ(offered["cipher"], Apart(sshd.Says("ciphers")));
  EXPECT_EQ(offered["mac"], Apart(sshd.Says("macs")));

  std::set<std::string> ours, theirs;
  for (const auto& row : seen.ssh_host_keys())
    ours.insert(std::to_string(row.bits()) + " " + row.fingerprint());
  for (const char* type : {"ed25519", "ecdsa", "rsa"}) {
    const std::vector<std::string> words = absl::StrSplit(
        Shell("ssh-keygen -l -f " + sshd.path(type) + ".pub"), ' ');
    theirs.insert(words[0] + " " + words[1]);
  }
  EXPECT_EQ(ours, theirs);
}

TEST(TruthProbe, UnderstandsAServerWithOldAlgorithmsAlone) {
  const RealSshd sshd(
      "KexAlgorithms diffie-hellman-group1-sha1\nCiphers 3des-cbc\n"
      "MACs hmac-sha1\nHostKeyAlgorithms ssh-rsa\nBanner /etc/issue\n");
  const v1::Snapshot seen = Probe(sshd.port(), {"root"});
  ASSERT_EQ(seen.ssh_endpoints_size(), 1);
  EXPECT_EQ(seen.ssh_endpoints(0).outcome(), "answered")
      << seen.ssh_endpoints(0).message();
  EXPECT_THAT(seen.ssh_endpoints(0).banner(), HasSubstr("GNU/Linux"));
  ASSERT_EQ(seen.ssh_host_keys_size(), 1);
}

// sshd hangs up on whom it could offer nothing.
TEST(TruthProbe, SaysWhyTheServerHangsUp) {
  const RealSshd sshd(
      "Match User root\n  PasswordAuthentication no\n"
      "  AuthenticationMethods publickey,password\n");
  const v1::Snapshot seen = Probe(sshd.port(), {"root"});
  ASSERT_EQ(seen.ssh_endpoints_size(), 1);
  EXPECT_EQ(seen.ssh_endpoints(0).outcome(), "closed");
  EXPECT_THAT(seen.ssh_endpoints(0).message(),
              HasSubstr("no authentication methods enabled"));
}

TEST(TruthProbe, AServerThatOffersNothingHasAnsweredAllTheSame) {
  const RealSshd sshd("Match User root\n  PubkeyAuthentication no\n"
                      "  PasswordAuthentication no\n"
                      "  KbdInteractiveAuthentication no\n");
  const v1::Snapshot seen = Probe(sshd.port(), {"root"});
  ASSERT_EQ(seen.ssh_endpoints_size(), 1);
  EXPECT_EQ(seen.ssh_endpoints(0).outcome(), "answered")
      << seen.ssh_endpoints(0).message();
  EXPECT_EQ(seen.ssh_endpoints(0).methods(), "");
}

// What the program may not do once it has confined itself is not to be seen
// from outside; that it still works there the tests above have shown.
TEST(TruthProbe, TakesNoNameThatMeansSomething) {
  RunOptions options;
  options.accepted_codes = {64};
  const auto printed = RunProgram(
      {METSUKE_BINARY "/bin/metsuke-probe", "127.0.0.1", "--account", "a;b"},
      options);
  ASSERT_TRUE(printed.ok()) << printed.status();
  EXPECT_THAT(*printed, IsEmpty());
}

}  // namespace
}  // namespace metsuke
