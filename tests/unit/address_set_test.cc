#include "collectors/address_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace metsuke {
namespace {

using ::testing::ElementsAre;

AddressSet Net(const char* text, int length) {
  return AddressSet::Prefix(*ParseIpAddress(text), length);
}

TEST(AddressSet, WhatIsLeftOfANetworkIsTheFewestNetworks) {
  EXPECT_THAT(AddressSet::All(false).Networks(), ElementsAre("0.0.0.0/0"));
  EXPECT_THAT(Net("10.0.0.0", 8).Without(Net("10.1.2.3", 32)).Networks().size(),
              24u);
  EXPECT_THAT(Net("192.0.2.0", 29).Without(Net("192.0.2.3", 32)).Networks(),
              ElementsAre("192.0.2.0/31", "192.0.2.2", "192.0.2.4/30"));
  EXPECT_THAT(Net("255.255.255.254", 31).Networks(),
              ElementsAre("255.255.255.254/31"));
  EXPECT_THAT(AddressSet::All(true).Without(Net("8000::", 1)).Networks(),
              ElementsAre("::/1"));
  EXPECT_THAT(AddressSet::All(true).Without(Net("::", 128)).Networks().size(),
              128u);
}

TEST(AddressSet, NeighboursBecomeOne) {
  AddressSet set = Net("10.0.0.0", 9);
  set.Add(AddressSet::All(true));
  set.Add(Net("10.128.0.0", 9));
  EXPECT_THAT(set.Networks(), ElementsAre("10.0.0.0/8", "::/0"));
  set.Add(AddressSet::All(false));
  EXPECT_EQ(set.ranges().size(), 2u) << "families stay apart";
}

TEST(AddressSet, ContainsWhatBothContain) {
  AddressSet set = Net("10.0.0.0", 8);
  set.Add(Net("2001:db8::", 32));
  const AddressSet both = set.And(Net("10.1.0.0", 16));
  EXPECT_THAT(both.Networks(), ElementsAre("10.1.0.0/16"));
  EXPECT_TRUE(set.And(Net("11.0.0.0", 8)).empty());
  EXPECT_TRUE(set.Contains(*ParseIpAddress("2001:db8::7")));
  EXPECT_FALSE(set.Contains(*ParseIpAddress("32.1.13.184")));
}

TEST(AddressSet, ReadsWhatInetPtonReads) {
  EXPECT_EQ(ToText(*ParseIpAddress("2001:DB8:0:0::1")), "2001:db8::1");
  EXPECT_EQ(ToText(*ParseIpAddress("255.255.255.255")), "255.255.255.255");
  for (const char* text : {"", "10.1", "10.0.0.0/8", "::g", "fe80::1%eth0"})
    EXPECT_FALSE(ParseIpAddress(text)) << text;
}

}  // namespace
}  // namespace metsuke
