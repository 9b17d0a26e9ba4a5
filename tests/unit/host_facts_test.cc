#include "collectors/host_facts.h"

#include <gtest/gtest.h>
#include <systemd/sd-id128.h>

#include <cstring>

#include "collectors/host.h"
#include "collectors/kernels.h"
#include "collectors/platform.h"

namespace metsuke {

absl::Status CollectHost(const Host&, v1::Snapshot&);

namespace {

TEST(HostFacts, TakeOsReleaseAsAShellWould) {
  const auto values = ParseOsRelease(
      "# comment\nID=debian\nPRETTY_NAME=\"A \\\"B\\\" \\$C\"\nNAME='d\\e'\n"
      "  VERSION_ID=\"12\"  \nbroken\n");
  EXPECT_EQ(values.at("ID"), "debian");
  EXPECT_EQ(values.at("PRETTY_NAME"), "A \"B\" $C");
  EXPECT_EQ(values.at("NAME"), "d\\e");
  EXPECT_EQ(values.at("VERSION_ID"), "12");
  EXPECT_EQ(values.size(), 4u);
}

TEST(HostFacts, HashTheMachineIdAsSystemdDoes) {
  const auto text = Host().Read("/etc/machine-id");
  sd_id128_t product, expected;
  std::memcpy(product.bytes, kProductId, sizeof(kProductId));
  if (const int error = sd_id128_get_machine_app_specific(product, &expected);
      error < 0) {
    EXPECT_EQ(ProductMachineId(text.value_or("")), "") << strerror(-error);
    return;
  }
  char hex[33];
  EXPECT_EQ(ProductMachineId(*text), sd_id128_to_string(expected, hex));
}

TEST(HostFacts, HaveNoMachineIdWhereThereIsNone) {
  EXPECT_EQ(ProductMachineId(""), "");
  EXPECT_EQ(ProductMachineId("uninitialized\n"), "");
  EXPECT_EQ(ProductMachineId("0123456789abcdef0123456789abcdeg\n"), "");
  EXPECT_EQ(ProductMachineId("0123456789abcdef0123456789abcdef\n").size(), 32u);
}

TEST(HostFacts, RoundTheBootToTheMinute) {
  EXPECT_EQ(BootedMinute("cpu 1 2\nbtime 1795294899\nprocesses 3\n"),
            1795294860);
  EXPECT_EQ(BootedMinute("cpu 1 2\n"), 0);
}

// A host in which a look at the clock is forbidden.
class WithoutClock : public Host {
 public:
  absl::StatusOr<KernelFacts> Kernel() const override {
    return KernelFacts{"web1", "6.1.0", "x86_64",
                       absl::PermissionDeniedError("adjtimex: not permitted")};
  }
};

TEST(HostFacts, AreThereWhereTheClockCannotBeLookedAt) {
  v1::Snapshot snapshot;
  const absl::Status status = CollectHost(WithoutClock(), snapshot);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(snapshot.host(0).hostname(), "web1");
  ASSERT_EQ(snapshot.gaps_size(), 1);
  EXPECT_EQ(snapshot.gaps(0).subject(), "clock");
  ASSERT_EQ(snapshot.gaps(0).columns_size(), 1);
  EXPECT_EQ(snapshot.gaps(0).columns(0), "clock_synchronized");
}

TEST(Kernels, AreComparedByTheirNumbers) {
  EXPECT_TRUE(KernelIsOlder("6.1.0-9", "6.1.0-26"));
  EXPECT_FALSE(KernelIsOlder("6.1.0-26", "6.1.0-9"));
  EXPECT_TRUE(KernelIsOlder("6.9.12", "6.10.1"));
  EXPECT_TRUE(KernelIsOlder("5.14.0-427.13.1.el9_4.x86_64",
                            "5.14.0-503.11.1.el9_5.x86_64"));
  EXPECT_TRUE(KernelIsOlder("6.2.0-rc3", "6.2.0"));
  EXPECT_FALSE(KernelIsOlder("6.2.0", "6.2.0-rc3"));
  EXPECT_TRUE(KernelIsOlder("6.2.0-rc3", "6.2.0-1"));
  EXPECT_TRUE(KernelIsOlder("6.1", "6.1.1"));
  EXPECT_FALSE(KernelIsOlder("6.1.0-26", "6.1.0-26"));
  EXPECT_TRUE(KernelIsOlder("", "6.1"));
}

TEST(Kernels, HaveAVersionWithoutTheirFlavour) {
  EXPECT_EQ(KernelVersion("6.1.0-26-cloud-amd64"), "6.1.0-26");
  EXPECT_EQ(KernelVersion("6.1.0-26-amd64"), "6.1.0-26");
  EXPECT_EQ(KernelVersion("6.2.0-rc3-amd64"), "6.2.0-rc3");
  EXPECT_EQ(KernelVersion("6.12.9+bpo-amd64"), "6.12.9+bpo");
  EXPECT_EQ(KernelVersion("5.14.0-427.13.1.el9_4.x86_64"),
            "5.14.0-427.13.1.el9_4.x86_64");
  EXPECT_EQ(KernelVersion("6.8.0-45-generic"), "6.8.0-45");
}

TEST(Platform, KnowsHypervisorsByTheirTables) {
  EXPECT_EQ(HypervisorOfDmi("QEMU", "Standard PC (Q35 + ICH9, 2009)"), "qemu");
  EXPECT_EQ(HypervisorOfDmi("VMware, Inc.", "VMware20,1"), "vmware");
  EXPECT_EQ(HypervisorOfDmi("Microsoft Corporation", "Virtual Machine"),
            "microsoft");
  EXPECT_EQ(HypervisorOfDmi("Microsoft Corporation", "Surface Pro 9"), "");
  EXPECT_EQ(HypervisorOfDmi("Amazon EC2", "m5.large"), "amazon");
  EXPECT_EQ(HypervisorOfDmi("Amazon EC2", "m5.metal"), "");
  EXPECT_EQ(HypervisorOfDmi("Dell Inc.", "PowerEdge R650"), "");
  EXPECT_EQ(HypervisorOfDmi("", ""), "");
}

}  // namespace
}  // namespace metsuke
