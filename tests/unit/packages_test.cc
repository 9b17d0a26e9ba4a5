#include "collectors/packages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace metsuke {
namespace {

using ::testing::SizeIs;

constexpr char kStatus[] = R"(Package: libc6
Status: install ok installed
Priority: optional
Architecture: amd64
Multi-Arch: same
Source: glibc (2.36-9)
Version: 2.36-9+deb12u13
Description: GNU C Library
 Package: not-a-field
 .
 Version: 0

Package: libc6
Status: install ok installed
Architecture: i386
Source: glibc
Version: 2.36-9+deb12u13

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0

Package: broken
Status: install reinstreq half-installed
Architecture: all
Version: 2:1.0-1
)";

TEST(Packages, AreThoseOfWhichSomethingIsOnTheDisk) {
  DpkgPackages packages;
  EXPECT_EQ(ParseDpkgStatus(kStatus, packages), 0);
  ASSERT_THAT(packages, SizeIs(3));
  EXPECT_FALSE(packages.contains({"gone", "all"}));
  const v1::Package& broken = packages[{"broken", "all"}];
  EXPECT_EQ(broken.status(), "half-installed");
  EXPECT_EQ(broken.version(), "2:1.0-1");
}

TEST(Packages, KeepTheVersionOfTheirSourceApart) {
  DpkgPackages packages;
  ParseDpkgStatus(kStatus, packages);
  const v1::Package& amd64 = packages[{"libc6", "amd64"}];
  EXPECT_EQ(amd64.source(), "glibc");
  EXPECT_EQ(amd64.source_version(), "2.36-9");
  EXPECT_EQ(amd64.version(), "2.36-9+deb12u13");
  const v1::Package& i386 = packages[{"libc6", "i386"}];
  EXPECT_EQ(i386.source(), "glibc");
  EXPECT_EQ(i386.source_version(), "2.36-9+deb12u13");
  const v1::Package& broken = packages[{"broken", "all"}];
  EXPECT_EQ(broken.source(), "broken");
  EXPECT_EQ(broken.source_version(), "2:1.0-1");
}

TEST(Packages, FollowTheJournalOverTheStatusFile) {
  DpkgPackages packages;
  ParseDpkgStatus(kStatus, packages);
  EXPECT_EQ(ParseDpkgStatus("Package: broken\nStatus: install ok unpacked\n"
                            "Architecture: all\nVersion: 3\n",
                            packages),
            0);
  EXPECT_EQ((packages[{"broken", "all"}].status()), "unpacked");
  EXPECT_EQ((packages[{"broken", "all"}].version()), "3");
  ParseDpkgStatus("Package: broken\nStatus: purge ok not-installed\n"
                  "Architecture: all\n",
                  packages);
  EXPECT_FALSE(packages.contains({"broken", "all"}));
}

TEST(Packages, CountParagraphsThatAreNone) {
  DpkgPackages packages;
  EXPECT_EQ(ParseDpkgStatus("Package: a\nVersion: 1\n\n\n\nStatus: install ok "
                            "installed\n\nPackage: b\nStatus: install ok\n",
                            packages),
            3);
  EXPECT_THAT(packages, SizeIs(0));
  EXPECT_EQ(ParseDpkgStatus("", packages), 0);
  EXPECT_EQ(ParseDpkgStatus("\n\n", packages), 0);
}

TEST(Packages, OfRpmHaveSourceAndEpoch) {
  const auto packages = ParseRpmList(
      "bash\tx86_64\t5.1.8-9.el9\tbash-5.1.8-9.el9.src.rpm\n"
      "bind-libs\tx86_64\t32:9.16.23-18.el9_4.1\t"
      "bind-9.16.23-18.el9_4.1.src.rpm\n"
      "own\tnoarch\t1-1\t(none)\n"
      "gpg-pubkey\t(none)\t5a6340b3-6229229e\t(none)\n");
  ASSERT_TRUE(packages.ok()) << packages.status();
  ASSERT_THAT(*packages, SizeIs(3));
  EXPECT_EQ((*packages)[1].version(), "32:9.16.23-18.el9_4.1");
  EXPECT_EQ((*packages)[1].source(), "bind");
  EXPECT_EQ((*packages)[1].source_version(), "9.16.23-18.el9_4.1");
  EXPECT_EQ((*packages)[2].source(), "own");
  EXPECT_EQ((*packages)[2].source_version(), "1-1");
}

TEST(Packages, RefuseWhatRpmWouldNotPrint) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      ParseRpmList("error: cannot open the database\n").status()));
}

}  // namespace
}  // namespace metsuke
