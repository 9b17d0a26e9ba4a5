#include "proto/address.h"

#include <gtest/gtest.h>

namespace metsuke {
namespace {

TEST(GrpcPeerAddress, IsWithoutThePortTheBracketsAndTheZone) {
  EXPECT_EQ(GrpcPeerAddress("ipv4:192.0.2.7:7443"), "192.0.2.7");
  EXPECT_EQ(GrpcPeerAddress("ipv6:%5B2001:db8::7%5D:7443"), "2001:db8::7");
  EXPECT_EQ(GrpcPeerAddress("ipv6:%5B::%5D:1"), "::");
  EXPECT_EQ(GrpcPeerAddress("ipv6:%5Bfe80::7%254%5D:7443"), "fe80::7");
  for (const char* other : {"", "unix:/run/x:1", "ipv6:%5B2001:db8::7",
                            "ipv6:2001:db8::7:7443", "unknown"})
    EXPECT_EQ(GrpcPeerAddress(other), "") << other;
}

}  // namespace
}  // namespace metsuke
