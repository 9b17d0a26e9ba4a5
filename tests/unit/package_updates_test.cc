#include "collectors/package_updates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/collector.h"
#include "proto/status.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectPackageUpdates(const Host&, v1::Snapshot&);

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kReport[] = R"({"lists": 3, "missing": ["http://a b/main"],
  "updates": [{"name": "bash", "architecture": "amd64", "installed": "5.2-1",
               "candidate": "5.2-2", "security": true, "origin": "D:s",
               "source": "bash", "held": false}]})";

TEST(PackageUpdates, TakeWhatAptReports) {
  v1::Snapshot snapshot;
  ASSERT_TRUE(AddAptReport(kReport, snapshot).ok());
  ASSERT_EQ(snapshot.package_updates_size(), 1);
  EXPECT_EQ(snapshot.package_updates(0).candidate(), "5.2-2");
  EXPECT_TRUE(snapshot.package_updates(0).security());
  ASSERT_EQ(snapshot.gaps_size(), 1);
  EXPECT_EQ(snapshot.gaps(0).table(), "package_updates");
  EXPECT_EQ(snapshot.gaps(0).subject(), "http://a b/main");
}

TEST(PackageUpdates, AreNotKnownWithoutLists) {
  v1::Snapshot snapshot;
  const absl::Status status =
      AddAptReport(R"({"lists": 0, "missing": [], "updates": []})", snapshot);
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(Message(status), HasSubstr("run apt-get update"));
}

TEST(PackageUpdates, AreNotKnownFromSomethingElse) {
  for (const char* text : {"", "{", "[]", "{}", R"({"lists": "3"})",
                           R"({"lists": 1, "missing": [1], "updates": []})",
                           R"({"lists": 1, "missing": [],
                               "updates": [{"name": "bash"}]})"}) {
    v1::Snapshot snapshot;
    EXPECT_TRUE(absl::IsUnavailable(AddAptReport(text, snapshot))) << text;
  }
}

v1::Package Installed(const char* name, const char* version) {
  v1::Package package;
  package.set_name(name);
  package.set_architecture("x86_64");
  package.set_version(version);
  package.set_source("src");
  return package;
}

TEST(PackageUpdates, OfDnfAreThoseOfInstalledPackages) {
  v1::Snapshot snapshot;
  AddDnfUpdates(
      "\nopenssl.x86_64      1:3.0.7-27.el9   baseos\n"
      "python3.11.x86_64     3.11.9-1.el9     appstream\n"
      "not-here.x86_64       1-1              baseos\n"
      "Obsoleting Packages\n"
      "openssl.x86_64        2-1              baseos\n"
      "    openssl.x86_64    1:3.0.7-18.el9   @System\n",
      "RHSA-2024:2447 Moderate/Sec. openssl-1:3.0.7-27.el9.x86_64\n",
      {Installed("openssl", "1:3.0.7-18.el9"),
       Installed("python3.11", "3.11.7-1.el9")},
      snapshot);
  ASSERT_EQ(snapshot.package_updates_size(), 2);
  EXPECT_EQ(snapshot.package_updates(0).name(), "openssl");
  EXPECT_EQ(snapshot.package_updates(0).installed(), "1:3.0.7-18.el9");
  EXPECT_EQ(snapshot.package_updates(0).candidate(), "1:3.0.7-27.el9");
  EXPECT_TRUE(snapshot.package_updates(0).security());
  EXPECT_EQ(snapshot.package_updates(1).name(), "python3.11");
  EXPECT_FALSE(snapshot.package_updates(1).security());
  EXPECT_EQ(snapshot.package_updates(1).origin(), "appstream");
}

TEST(PackageUpdates, OfDnfComeFromTheRepositoriesThatAreEnabled) {
  EXPECT_THAT(EnabledRepositories("# comment\n[baseos]\nname=BaseOS\n"
                                  "[extras]\nenabled = 0\n"
                                  "[appstream]\nenabled=True\n[crb]\n"
                                  "enabled=no\n[last-one]\n"),
              ElementsAre("baseos", "appstream", "last-one"));
}

TEST(PackageUpdates, OfADatabaseThatCannotBeSeenAreNotThoseOfAnother) {
  HostFolder folder;
  v1::Snapshot snapshot;
  const RecordedHost host(folder.path());
  EXPECT_THAT(Message(CollectPackageUpdates(host, snapshot)),
              HasSubstr("neither is here"));
  folder.Link("var/lib/dpkg/status", "status");
  EXPECT_EQ(CollectPackageUpdates(host, snapshot).code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace metsuke
