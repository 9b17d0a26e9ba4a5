#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "collectors/collector.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectSysctls(const Host&, v1::Snapshot&);

namespace {

using ::testing::ElementsAre;

std::vector<std::string> Lines(const v1::Snapshot& snapshot) {
  std::vector<std::string> lines;
  for (const v1::Sysctl& row : snapshot.sysctls())
    lines.push_back(row.name() + "=" + row.value());
  for (const v1::Gap& gap : snapshot.gaps()) lines.push_back(gap.subject());
  return lines;
}

TEST(Sysctls, AreThoseTheKernelHasForEachInterface) {
  HostFolder folder;
  folder.Write("proc/sys/kernel/sysrq", "438\n");
  folder.Write("proc/sys/kernel/core_pattern", " |/usr/bin/x \t%p  %u\n");
  folder.Write("proc/sys/kernel/hostname", "not asked for\n");
  folder.Write("proc/sys/net/ipv4/conf/all/rp_filter", "1\n");
  folder.Write("proc/sys/net/ipv4/conf/eth0.100/rp_filter", "2\n");
  v1::Snapshot snapshot;
  ASSERT_TRUE(CollectSysctls(RecordedHost(folder.path()), snapshot).ok());
  EXPECT_THAT(Lines(snapshot),
              ElementsAre("kernel.core_pattern=|/usr/bin/x %p %u",
                          "kernel.sysrq=438", "net.ipv4.conf.all.rp_filter=1",
                          "net.ipv4.conf.eth0/100.rp_filter=2"));
}

TEST(Sysctls, ThatCannotBeReadAreGaps) {
  HostFolder folder;
  folder.Write("proc/sys/kernel/sysrq/odd", "");  // a folder in its place
  folder.Write("proc/sys/fs/suid_dumpable", std::string(1 << 20, '1'));
  v1::Snapshot snapshot;
  ASSERT_TRUE(CollectSysctls(RecordedHost(folder.path()), snapshot).ok());
  EXPECT_THAT(Lines(snapshot), ElementsAre("/proc/sys/fs/suid_dumpable",
                                           "/proc/sys/kernel/sysrq"));
}

TEST(Sysctls, OfAHostWithoutProcAreUnknown) {
  HostFolder folder;
  v1::Snapshot snapshot;
  const absl::Status status =
      CollectSysctls(RecordedHost(folder.path()), snapshot);
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_FALSE(IsAbsent(status));
}

TEST(Sysctls, OfVeryManyInterfacesEndInAGap) {
  HostFolder folder;
  folder.Write("proc/sys/kernel/x", "");
  for (int i = 0; i < 1030; ++i)
    folder.Write("proc/sys/net/ipv6/conf/veth" + std::to_string(10000 + i) +
                     "/forwarding",
                 "0\n");
  v1::Snapshot snapshot;
  ASSERT_TRUE(CollectSysctls(RecordedHost(folder.path()), snapshot).ok());
  EXPECT_EQ(snapshot.sysctls_size(), 1024);
  EXPECT_GT(snapshot.gaps_size(), 0);
}

}  // namespace
}  // namespace metsuke
