#include "proto/canonical.h"

#include <gtest/gtest.h>

namespace metsuke {
namespace {

v1::Snapshot Ports(std::initializer_list<uint32_t> ports) {
  v1::Snapshot snapshot;
  for (const uint32_t port : ports) {
    v1::Port& row = *snapshot.add_ports();
    row.set_protocol("tcp");
    row.set_port(port);
  }
  return snapshot;
}

TEST(Canonical, OrderOfRowsDoesNotMatter) {
  const auto* table = TableField("ports");
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(CanonicalTable(Ports({80, 22, 22}), table),
            CanonicalTable(Ports({22, 80, 22}), table));
  EXPECT_NE(CanonicalTable(Ports({80, 22}), table),
            CanonicalTable(Ports({22, 80, 22}), table));
}

TEST(Canonical, BytesAreASnapshotOfTheRows) {
  v1::Snapshot again;
  ASSERT_TRUE(again.ParseFromString(
      CanonicalTable(Ports({443, 80}), TableField("ports"))));
  ASSERT_EQ(again.ports_size(), 2);
  EXPECT_EQ(again.ports(0).port(), 80u);
  EXPECT_EQ(again.SerializeAsString(),
            CanonicalTable(again, TableField("ports")));
}

// FIPS 180-4, appendix B.1.
TEST(Canonical, Sha256IsSha256) {
  EXPECT_EQ(Hex(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Canonical, StateDigestDependsOnTablesAlone) {
  v1::State a, b;
  a.set_taken(1);
  b.set_taken(2);
  a.add_tables()->set_table("ports");
  b.add_tables()->set_table("ports");
  EXPECT_EQ(StateDigest(a), StateDigest(b));
  b.mutable_tables(0)->set_digest("x");
  EXPECT_NE(StateDigest(a), StateDigest(b));
}

}  // namespace
}  // namespace metsuke
