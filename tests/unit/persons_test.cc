#include "controller/persons.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kHanakosKey[] =
    "SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg";
constexpr char kOtherKey[] =
    "SHA256:AAAAgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg";

template <typename Message>
Message Parsed(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message))
      << text;
  return message;
}

const v1::Registers& Register() {
  static const auto* const rows = new v1::Registers(
      Parsed<v1::Registers>("persons { identity: 'alice' person: 'Alice' } "
                            "persons { identity: 'bob' person: 'Bob' } "
                            "persons { identity: 'root' person: 'Root' } "
                            "persons { identity: '" +
                            std::string(kHanakosKey) +
                            "' person: 'Hanako' } "
                            "persons { identity: 'deploy' selector: 'role=web' "
                            "person: 'Taro' } "
                            "persons { identity: 'deploy' selector: 'zone=dmz' "
                            "person: 'Jiro' } "
                            "persons { identity: 'deploy' selector: 'zone' "
                            "person: 'Jiro' }"));
  return *rows;
}

Persons::Labels Labels(const std::vector<std::string>& labels) {
  return {labels.begin(), labels.end()};
}

// Of a session and of a login, which must not differ.
std::vector<std::string> WhoCame(const std::string& text,
                                 const std::vector<std::string>& labels = {}) {
  const Persons persons(Register());
  auto session = persons.Of(Parsed<v1::HostSession>(text), Labels(labels));
  EXPECT_EQ(
      persons.Of(Parsed<v1::Event>("kind: 'login' " + text), Labels(labels)),
      session)
      << text;
  return session;
}

std::vector<std::string> WhoDid(const std::string& text) {
  return Persons(Register()).Of(Parsed<v1::Event>(text), {});
}

std::string Ssh(const std::string& account, const std::string& detail,
                const std::string& method = "publickey") {
  return "service: 'ssh' account: '" + account + "' method: '" + method +
         "' detail: '" + detail + "' ";
}

TEST(Persons, OfASessionByKeyIsTheKeysWhateverItOpens) {
  const std::string key = std::string("ED25519 ") + kHanakosKey;
  EXPECT_THAT(WhoCame(Ssh("alice", key)), ElementsAre("Hanako"));
  EXPECT_THAT(WhoCame(Ssh("root", key)), ElementsAre("Hanako"));
  EXPECT_THAT(WhoCame(Ssh("nobody", key)), ElementsAre("Hanako"));
  EXPECT_THAT(WhoCame(Ssh("alice", std::string("ED25519 ") + kOtherKey)),
              ElementsAre("Alice"))
      << "a key nobody entered is that of its account";
  EXPECT_THAT(WhoCame(Ssh("alice", key, "hostbased")), ElementsAre("Alice"))
      << "that is the key of a machine";
}

// auth2-pubkey.c of OpenSSH: the words after "ID" are the authority's.
TEST(Persons, OfACertificateIsNotThatOfItsAuthorityOrItsWords) {
  const std::string authority = std::string(" CA ED25519 ") + kHanakosKey;
  EXPECT_THAT(
      WhoCame(Ssh("alice", "ED25519-CERT ID alice (serial 0)" + authority)),
      ElementsAre("Alice"));
  EXPECT_THAT(
      WhoCame(Ssh("alice", std::string("ED25519-CERT ") + kOtherKey + " ID " +
                               kHanakosKey + " (serial 0)" + authority)),
      ElementsAre("Alice"));
  EXPECT_THAT(
      WhoCame(Ssh("alice", std::string("ED25519-CERT ") + kHanakosKey +
                               " ID x (serial 0) CA ED25519 " + kOtherKey)),
      ElementsAre("Hanako"));
}

TEST(Persons, OfASessionAtTheDoorIsNotWhoStartedTheDaemon) {
  EXPECT_THAT(WhoCame(Ssh("alice", "", "password") + "login_account: 'bob'"),
              ElementsAre("Alice"));
  EXPECT_THAT(WhoCame("service: 'console' account: 'bob'"), ElementsAre("Bob"));
  EXPECT_THAT(WhoCame(Ssh("stranger", "", "password")), IsEmpty());
  EXPECT_THAT(WhoCame(Ssh("", "unclear: x", "publickey")), IsEmpty());
}

TEST(Persons, OfSuAndSudoIsWhoLoggedInElseWhoCalled) {
  EXPECT_THAT(WhoCame("service: 'sudo' account: 'root' actor: 'alice'"),
              ElementsAre("Alice"));
  EXPECT_THAT(
      WhoCame(
          "service: 'su' account: 'root' actor: 'bob' login_account: 'alice'"),
      ElementsAre("Alice"));
  EXPECT_THAT(WhoCame("service: 'sudo' account: 'root' actor: 'bob' "
                      "login_account: 'stranger'"),
              IsEmpty())
      << "whose account was borrowed has not done it";
  EXPECT_THAT(WhoCame("service: 'su' account: 'root'"), IsEmpty())
      << "root is where they went to";
}

TEST(Persons, OfEventsAreThoseWhoActed) {
  EXPECT_THAT(WhoDid("kind: 'account' service: 'usermod' account: 'bob' "
                     "actor: 'root' login_account: 'alice'"),
              ElementsAre("Alice"));
  EXPECT_THAT(WhoDid("kind: 'account' service: 'accounts' account: 'bob' "
                     "source: 'drift'"),
              IsEmpty())
      << "bob was changed";
  // A program may be called as a way in is.
  EXPECT_THAT(WhoDid("kind: 'command' service: 'ssh' account: 'root' "
                     "login_account: 'alice' source: 'audit'"),
              ElementsAre("Alice"));
  EXPECT_THAT(WhoDid("kind: 'login_failed' service: 'sudo' account: 'root' "
                     "actor: 'alice' method: 'policy'"),
              ElementsAre("Alice"));
  EXPECT_THAT(WhoDid("kind: 'login_failed' service: 'ssh' account: 'alice' "
                     "method: 'password'"),
              IsEmpty())
      << "anybody can type a name";
  EXPECT_THAT(WhoDid("kind: 'logout' service: 'ssh' account: 'alice'"),
              IsEmpty());
}

TEST(Persons, OfSeveralRowsAreAllTold) {
  const std::string deploy = Ssh("deploy", "", "password");
  EXPECT_THAT(WhoCame(deploy), IsEmpty());
  EXPECT_THAT(WhoCame(deploy, {"role=web"}), ElementsAre("Taro"));
  EXPECT_THAT(WhoCame(deploy, {"role=web", "zone=dmz"}),
              ElementsAre("Jiro", "Taro"));
  EXPECT_THAT(WhoCame(deploy, {"zone=dmz"}), ElementsAre("Jiro"))
      << "two rows of one person are no doubt";
  EXPECT_EQ(PersonText(WhoCame(deploy, {"role=web", "zone=dmz"})),
            "Jiro or Taro");
  EXPECT_THAT(Persons(Register()).All(),
              ElementsAre("Alice", "Bob", "Hanako", "Jiro", "Root", "Taro"));
}

TEST(Persons, AreKnownByWholeFingerprints) {
  EXPECT_TRUE(IsFingerprint(kHanakosKey));
  const std::string key = kHanakosKey;
  for (const std::string& odd :
       {std::string(), std::string("SHA256:"), key + "=", key + "x",
        key.substr(0, key.size() - 1), "sha256:" + key.substr(7),
        "MD5:" + key.substr(7), key.substr(0, key.size() - 1) + "-"})
    EXPECT_FALSE(IsFingerprint(odd)) << odd;
}

}  // namespace
}  // namespace metsuke
