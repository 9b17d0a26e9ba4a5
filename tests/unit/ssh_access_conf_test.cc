// What rules of access.conf come to, by example and against pam_access itself.

#include "collectors/ssh_access_conf.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/host_folder.h"
#include "tests/unit/mounted_accounts.h"

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::map<std::string, uint32_t> kGroups = {
    {"root", 0}, {"users", 100}, {"wheel", 7}, {"alias", 7}};

AccessAnswer Apply(const std::string& text, const AccessUser& user,
                   const AccessSyntax& syntax = {}) {
  std::vector<AccessRule> rules;
  EXPECT_TRUE(AddAccessRules(text, "/a", syntax, rules));
  return ApplyAccessRules(rules,
                          MatchAccessUsers(rules, syntax, user, kGroups));
}

// The networks of all that is allowed.
std::vector<std::string> From(const AccessAnswer& answer) {
  AddressSet all;
  for (const auto& [part, why] : answer.allowed) all.Add(part);
  return all.Networks();
}

const AccessUser kAlice = {"alice", {100, 7}};
const AccessUser kBob = {"bob", {100}};

TEST(AccessRules, TheFirstThatMatchesCounts) {
  const std::string text =
      "# (nobody)\n+:alice:10.0.0.0/8\n-:ALL EXCEPT bob:10.1.0.0/16 "
      "2001:db8::/32\n"
      "- : alice : ALL\n";
  const AccessAnswer alice = Apply(text, kAlice);
  EXPECT_THAT(From(alice), ElementsAre("10.0.0.0/8"));
  EXPECT_EQ(alice.allowed[0].second, "/a:2 + : alice : 10.0.0.0/8");
  EXPECT_EQ(alice.denied_by,
            "/a:3 - : ALL EXCEPT bob : 10.1.0.0/16 2001:db8::/32; "
            "/a:4 - : alice : ALL");
  EXPECT_THAT(alice.unclear, IsEmpty());
  EXPECT_THAT(From(Apply(text, kBob)), ElementsAre("0.0.0.0/0", "::/0"));
}

TEST(AccessRules, NameGroupsInParenthesesOrNot) {
  EXPECT_THAT(From(Apply("-:(wheel):ALL\n", kAlice)), IsEmpty());
  EXPECT_THAT(From(Apply("-:alias:ALL\n", kAlice)), IsEmpty());
  EXPECT_FALSE(From(Apply("-:(wheel):ALL\n", kBob)).empty());
  AccessSyntax strict;
  strict.no_default_group = true;
  EXPECT_FALSE(From(Apply("-:wheel:ALL\n", kAlice, strict)).empty());
  EXPECT_THAT(From(Apply("-:(wheel):ALL\n", kAlice, strict)), IsEmpty());
}

TEST(AccessRules, AreCutAsTheModuleIsTold) {
  AccessSyntax bars;
  bars.fields = "|";
  bars.lists = ",";
  EXPECT_THAT(From(Apply("+|bob,alice|10.|11.\n-|ALL|ALL\n", kAlice, bars)),
              IsEmpty());
  EXPECT_THAT(From(Apply("+|bob,alice|10.,11.\n-|ALL|ALL\n", kAlice, bars)),
              ElementsAre("10.0.0.0/7"));
}

TEST(AccessRules, WhatCannotBeToldLetsInAndIsSaid) {
  for (const char* rule :
       {"-:@admins:ALL", "-:alice@host:ALL", "-:alice:@hosts",
        "-:alice:build.example.com", "-:alice:.7", "-:alice:0.0.0.0/0"}) {
    const AccessAnswer answer = Apply(std::string(rule) + "\n", kAlice);
    EXPECT_THAT(From(answer), ElementsAre("0.0.0.0/0", "::/0")) << rule;
    EXPECT_EQ(answer.unclear.size(), 1u) << rule;
  }
  const AccessAnswer some = Apply("+:@admins:10.\n-:alice:ALL\n", kAlice);
  EXPECT_THAT(From(some), ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(some.unclear, ElementsAre(HasSubstr("/a:1 + : @admins")));
  // The line has no end.
  EXPECT_EQ(Apply("-:alice:ALL", kAlice).unclear.size(), 1u);
  AccessSyntax names;
  names.use_dns = true;
  EXPECT_EQ(Apply("-:alice:10.0.0.0/8\n", kAlice, names).unclear.size(), 1u);
  EXPECT_THAT(From(Apply("-:alice:ALL\n", kAlice, names)), IsEmpty());
  // Terminals are no clients.
  EXPECT_THAT(Apply("+:alice:LOCAL cron tty1 :0\n-:ALL:ALL\n", kAlice).unclear,
              IsEmpty());
}

// libpam, whose header is not needed for this little of it.
struct Conversation {
  int (*talk)(int, const void**, void**, void*);
  void* data;
};
class Pam {
 public:
  Pam() : library_(dlopen("libpam.so.0", RTLD_NOW)) {}
  bool ok() const {
    return library_ != nullptr && Find<void*>("pam_start_confdir") != nullptr;
  }

  // Whether the account stack of "test" in `folder` lets the user in.
  bool Allows(const std::string& folder, const std::string& user,
              const std::string& from) const {
    const Conversation conversation{nullptr, nullptr};
    void* handle = nullptr;
    EXPECT_EQ(Find<int (*)(const char*, const char*, const Conversation*,
                           const char*, void**)>("pam_start_confdir")(
                  "test", user.c_str(), &conversation, folder.c_str(), &handle),
              0);
    constexpr int kRemoteHost = 4;  // PAM_RHOST
    EXPECT_EQ(Find<int (*)(void*, int, const void*)>("pam_set_item")(
                  handle, kRemoteHost, from.c_str()),
              0);
    const int result = Find<int (*)(void*, int)>("pam_acct_mgmt")(handle, 0);
    Find<int (*)(void*, int)>("pam_end")(handle, result);
    return result == 0;
  }

 private:
  template <typename F>
  F Find(const char* name) const {
    return reinterpret_cast<F>(dlsym(library_, name));
  }
  void* const library_;
};

using Texts = std::vector<std::string>;
const Texts kUserTokens = {"alice", "BOB",   "root",    "ALL",     "(wheel)",
                           "wheel", "(ops)", "(alice)", "@nobody", "carol",
                           "none",  "bob@x", "(none)"};
const Texts kOriginTokens = {"ALL",
                             "10.0.0.0/8",
                             "10.1.",
                             "10.1.2.3",
                             "LOCAL",
                             "2001:db8::/32",
                             "192.168.7.0/255.255.255.0",
                             "10.",
                             "::/0",
                             "0.0.0.0/0",
                             "10.1.2.9/0x18",
                             "010.",
                             "fe80::/10",
                             "2001:DB8::1",
                             "tty1",
                             "fe80::1%lo",
                             ".1",
                             "203.0.113.9/32",
                             "10.1.2.3/255.0.255.0",
                             "10.0.0.0/",
                             "1"};
const Texts kFrom = {"10.1.2.3",    "10.9.9.9",    "192.168.7.1", "8.8.8.8",
                     "2001:db8::1", "2001:db9::1", "fe80::1",     "203.0.113.9",
                     "0.0.0.0",     "::"};

TEST(AccessRules, AgreeWithPamAccess) {
  const Pam pam;
  ASSERT_TRUE(pam.ok()) << "needs libpam.so.0 of Linux-PAM 1.4 or later";
  const MountedAccounts mounted(
      "root:x:0:0::/root:/bin/sh\nalice:x:1001:1001::/:/bin/sh\n"
      "bob:x:1002:1002::/:/bin/sh\ncarol:x:1003:7::/:/bin/sh\n",
      "root:x:0:\nalice:x:1001:\nbob:x:1002:\nwheel:x:7:alice\nops:x:8:bob\n");
  ASSERT_TRUE(mounted.ok()) << "needs root, to mount over /etc/passwd";
  const std::map<std::string, uint32_t> groups = {
      {"root", 0}, {"alice", 1001}, {"bob", 1002}, {"wheel", 7}, {"ops", 8}};
  const std::vector<AccessUser> users = {
      {"root", {0}}, {"alice", {1001, 7}}, {"bob", {1002, 8}}, {"carol", {7}}};
  HostFolder folder;
  const std::string file = (folder.path() / "access.conf").string();
  std::mt19937 random(1);
  const auto below = [&](size_t end) { return random() % end; };
  const auto list = [&](const Texts& tokens) {
    std::string text;
    do {
      if (!text.empty()) text += below(3) == 0 ? " EXCEPT " : " ";
      text += tokens[below(tokens.size())];
    } while (below(2) == 0);
    return text;
  };
  int clear = 0;
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (size_t rule = below(4) + 1; rule > 0; --rule)
      text += fmt::format("{}:{}:{}\n", below(2) == 0 ? "+" : "-",
                          list(kUserTokens), list(kOriginTokens));
    AccessSyntax syntax;
    syntax.no_default_group = below(3) == 0;
    folder.Write("access.conf", text);
    folder.Write(
        "pam.d/test",
        fmt::format("account required pam_access.so accessfile={}{}\n", file,
                    syntax.no_default_group ? " nodefgroup" : ""));
    std::vector<AccessRule> rules;
    ASSERT_TRUE(AddAccessRules(text, file, syntax, rules));
    for (const AccessUser& user : users) {
      const AccessAnswer answer = ApplyAccessRules(
          rules, MatchAccessUsers(rules, syntax, user, groups));
      const std::string& from = kFrom[below(kFrom.size())];
      const IpAddress address = *ParseIpAddress(from);
      int parts = 0;
      for (const auto& [part, why] : answer.allowed)
        parts += part.Contains(address);
      const bool allowed = pam.Allows((folder.path() / "pam.d").string(),
                                      user.name, SshAddressText(address));
      clear += answer.unclear.empty();
      ASSERT_LE(parts, 1);
      if (allowed || answer.unclear.empty()) {
        ASSERT_EQ(parts == 1, allowed) << user.name << " from " << from << "\n"
                                       << text;
      }
    }
  }
  EXPECT_GT(clear, 300);
}

}  // namespace
}  // namespace metsuke
