#include "collectors/ssh_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Networks(const char* list) {
  const auto set = SshAddresses(list);
  return set ? set->Networks() : std::vector<std::string>{"unknown"};
}

TEST(SshPattern, StarsAndQuestionMarksStandForText) {
  EXPECT_TRUE(SshPatternMatches("alice", "a*e"));
  EXPECT_TRUE(SshPatternMatches("alice", "*"));
  EXPECT_TRUE(SshPatternMatches("alice", "?lice**"));
  EXPECT_TRUE(SshPatternMatches("", "*"));
  EXPECT_FALSE(SshPatternMatches("alice", "a?e"));
  EXPECT_FALSE(SshPatternMatches("", "?"));
  EXPECT_FALSE(SshPatternMatches("Alice", "alice"));
}

TEST(SshPattern, ADenialInAListOutweighs) {
  EXPECT_EQ(SshListMatches("bob", "a*,bob"), SshMatch::kMatch);
  EXPECT_EQ(SshListMatches("bob", "*,!bob"), SshMatch::kNegated);
  EXPECT_EQ(SshListMatches("bob", "!alice"), SshMatch::kNone);
  EXPECT_EQ(SshListMatches("bob", ""), SshMatch::kNone);
}

TEST(SshPattern, ListsOfAddressesAreNetworks) {
  EXPECT_THAT(Networks("10.0.0.0/8"), ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(Networks("10.0.0.0/8,!10.128.0.0/9"), ElementsAre("10.0.0.0/9"));
  EXPECT_THAT(Networks("10.1"), ElementsAre("10.0.0.1"));
  EXPECT_THAT(Networks("2001:DB8::/32,192.0.2.7"),
              ElementsAre("192.0.2.7", "2001:db8::/32"));
  EXPECT_THAT(Networks("!10.0.0.0/8"), IsEmpty());
  EXPECT_THAT(Networks("*"), ElementsAre("0.0.0.0/0", "::/0"));
  EXPECT_THAT(Networks("*.example.com,host"), IsEmpty());
}

TEST(SshPattern, PatternsOfTextAreNetworksWhereTheyCanBe) {
  EXPECT_THAT(Networks("10.1.*"), ElementsAre("10.1.0.0/16"));
  EXPECT_THAT(Networks("10.*"), ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(Networks("192.0.2.?"),
              ElementsAre("192.0.2.0/29", "192.0.2.8/31"));
  EXPECT_THAT(Networks("192.0.*.9,!192.0.1*"),
              testing::AllOf(testing::SizeIs(145),
                             testing::Not(testing::Contains("192.0.1.9")),
                             testing::Contains("192.0.2.9")));
  EXPECT_THAT(Networks("2001:db8:*"), ElementsAre("2001:db8::/32"));
  for (const char* odd : {"*7", "1*", "2001:0db8:*", "2001:db8::*", "?::1"})
    EXPECT_THAT(Networks(odd), ElementsAre("unknown")) << odd;
}

TEST(SshPattern, HostilePatternsEndSoon) {
  EXPECT_THAT(Networks("*.*.*.*.*.*"), ElementsAre("unknown"));
  EXPECT_THAT(Networks("*9*9*9*9*9*9*9*9*9*9*9*9*9*."), ElementsAre("unknown"));
}

TEST(SshPattern, NamesAreComparedWithTheTextOfAddresses) {
  EXPECT_THAT(SshHostAddresses("10.1.*")->Networks(),
              ElementsAre("10.1.0.0/16"));
  EXPECT_THAT(SshHostAddresses("10.0.0.0/8")->Networks(), IsEmpty());
  EXPECT_THAT(SshHostAddresses("2001:DB8::1")->Networks(),
              ElementsAre("2001:db8::1"));
  EXPECT_THAT(SshAddresses("2001:db8:0::1")->Networks(),
              ElementsAre("2001:db8::1"));
  EXPECT_THAT(SshHostAddresses("2001:db8:0::1")->Networks(), IsEmpty());
}

}  // namespace
}  // namespace metsuke
