#include "collectors/interfaces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>

#include <cstring>

#include "collectors/netlink_messages.h"

namespace metsuke {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// A message as the kernel would send it.
template <typename Header>
std::string Message(
    uint16_t type, const Header& header,
    const std::vector<std::pair<uint16_t, std::string>>& attributes) {
  std::string message = DumpRequest(type, header);
  for (const auto& [name, payload] : attributes) {
    nlattr attribute = {};
    attribute.nla_type = name;
    attribute.nla_len =
        static_cast<uint16_t>(RTA_LENGTH(payload.size()));
    message.append(reinterpret_cast<const char*>(&attribute),
                   sizeof(attribute));
    message += payload;
    message.resize(RTA_ALIGN(message.size()), '\0');
  }
  const auto length = static_cast<uint32_t>(message.size());
  std::memcpy(message.data(), &length, sizeof(length));
  return message;
}

std::string LinkMessage(int index, uint16_t type, uint32_t flags,
                        const std::string& name, const std::string& mac) {
  ifinfomsg header = {};
  header.ifi_index = index;
  header.ifi_type = type;
  header.ifi_flags = flags;
  return Message(RTM_NEWLINK, header,
                 {{IFLA_IFNAME, name + '\0'}, {IFLA_ADDRESS, mac}});
}

ifaddrmsg Address(uint8_t family, uint8_t prefix, uint8_t scope) {
  ifaddrmsg header = {};
  header.ifa_family = family;
  header.ifa_prefixlen = prefix;
  header.ifa_scope = scope;
  header.ifa_index = 2;
  return header;
}

const std::string kMac("\x02\xFC\0\0\0\x01", 6);

TEST(Interfaces, HaveNameHardwareAddressAndState) {
  const auto links =
      ParseLinks(LinkMessage(1, ARPHRD_LOOPBACK, IFF_UP, "lo", "\0\0") +
                 LinkMessage(2, ARPHRD_ETHER, IFF_UP, "eth0", kMac) +
                 LinkMessage(3, ARPHRD_SIT, 0, "sit0", "\xC0\0\2\7"));
  ASSERT_THAT(links, SizeIs(3));
  EXPECT_EQ(links.at(1).mac, "");
  EXPECT_EQ(links.at(2).name, "eth0");
  EXPECT_EQ(links.at(2).mac, "02:fc:00:00:00:01");
  EXPECT_TRUE(links.at(2).up);
  EXPECT_EQ(links.at(3).mac, "");  // an IPv4 address, the tunnel's end
  EXPECT_FALSE(links.at(3).up);
}

TEST(Interfaces, GiveTheirOwnEndOfAPointToPointAddress) {
  const std::map<uint32_t, Link> links = {{2, {"ppp0", "", true}}};
  const auto rows = ParseAddresses(
      Message(RTM_NEWADDR, Address(AF_INET, 32, RT_SCOPE_UNIVERSE),
              {{IFA_ADDRESS, "\xC0\x01\x02\x09"},
               {IFA_LOCAL, "\xC0\x01\x02\x07"}}),
      AF_INET, links);
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].address(), "192.1.2.7/32");
  EXPECT_EQ(rows[0].family(), "ipv4");
  EXPECT_EQ(rows[0].scope(), "global");
}

TEST(Interfaces, OfOneFamilyTakeNoAddressOfTheOther) {
  const std::map<uint32_t, Link> links = {{2, {"eth0", "", true}}};
  const std::string replies =
      Message(RTM_NEWADDR, Address(AF_INET6, 64, RT_SCOPE_LINK),
              {{IFA_ADDRESS, std::string("\xFE\x80") + std::string(13, '\0') +
                                 '\1'}}) +
      Message(RTM_NEWADDR, Address(AF_INET, 8, RT_SCOPE_HOST),
              {{IFA_LOCAL, std::string("\x7F\0\0\1", 4)}});
  const auto v6 = ParseAddresses(replies, AF_INET6, links);
  ASSERT_THAT(v6, SizeIs(1));
  EXPECT_EQ(v6[0].address(), "fe80::1/64");
  EXPECT_EQ(v6[0].scope(), "link");
  const auto v4 = ParseAddresses(replies, AF_INET, links);
  ASSERT_THAT(v4, SizeIs(1));
  EXPECT_EQ(v4[0].scope(), "host");
}

TEST(Interfaces, SurviveMessagesCutAnywhere) {
  const std::string whole =
      LinkMessage(2, ARPHRD_ETHER, IFF_UP, "eth0", kMac) +
      LinkMessage(3, ARPHRD_ETHER, IFF_UP, "eth1", kMac);
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_LE(ParseLinks(whole.substr(0, length)).size(), 1u) << length;
  }
  // An attribute that claims to be longer than the message.
  std::string lying = LinkMessage(2, ARPHRD_ETHER, IFF_UP, "eth0", kMac);
  lying[NLMSG_HDRLEN + sizeof(ifinfomsg)] = '\xFF';
  EXPECT_EQ(ParseLinks(lying).at(2).name, "");
}

}  // namespace
}  // namespace metsuke
