#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <unistd.h>

#include <boost/filesystem.hpp>
#include <cstring>
#include <fstream>

#include "collectors/netlink_messages.h"
#include "collectors/owners.h"
#include "collectors/sockets.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectPorts(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

inet_diag_msg Listening(uint8_t family, std::string_view address,
                        uint16_t port) {
  inet_diag_msg header = {};
  header.idiag_family = family;
  header.id.idiag_sport = htons(port);
  std::memcpy(header.id.idiag_src, address.data(), address.size());
  header.idiag_inode = 4711;
  header.idiag_uid = 33;
  return header;
}

TEST(Ports, AreReadFromWhatTheKernelAnswers) {
  const std::string mapped =
      std::string(10, '\0') + "\xFF\xFF" + "\xC0\x01\x02\x07";
  const auto sockets = ParseSockets(
      DumpRequest(SOCK_DIAG_BY_FAMILY,
                  Listening(AF_INET, std::string("\x7F\0\0\1", 4), 22)) +
          DumpRequest(SOCK_DIAG_BY_FAMILY, Listening(AF_INET6, mapped, 443)),
      "tcp");
  ASSERT_THAT(sockets, SizeIs(2));
  EXPECT_EQ(sockets[0].address, "127.0.0.1");
  EXPECT_EQ(sockets[0].port, 22);
  EXPECT_EQ(sockets[0].inode, 4711u);
  EXPECT_EQ(sockets[0].uid, 33u);
  EXPECT_EQ(sockets[1].address, "::ffff:192.1.2.7");
}

TEST(Ports, OfACutAnswerAreThoseBeforeTheCut) {
  const std::string whole = DumpRequest(
      SOCK_DIAG_BY_FAMILY, Listening(AF_INET, std::string(4, '\0'), 22));
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(ParseSockets(whole.substr(0, length), "tcp"), SizeIs(0));
  }
}

TEST(Ports, BelongToTheUnitOfTheirControlGroup) {
  EXPECT_EQ(UnitOfCgroup("0::/system.slice/ssh.service\n", "0::/init.scope\n"),
            "ssh.service");
  EXPECT_EQ(UnitOfCgroup("9:name=systemd:/system.slice/ssh.service\n"
                         "1:cpu:/\n0::/\n",
                         ""),
            "ssh.service");
  EXPECT_EQ(UnitOfCgroup("9:name=systemd:/\n0::/system.slice/a.service\n", ""),
            "a.service");
  EXPECT_EQ(UnitOfCgroup("0::/user.slice/user-1000.slice/user@1000.service/"
                         "app.slice/emacs.service\n",
                         ""),
            "user@1000.service");
  EXPECT_EQ(
      UnitOfCgroup("0::/user.slice/user-0.slice/session-3.scope\n", ""),
      "session-3.scope");
  EXPECT_EQ(UnitOfCgroup("0::/system.slice/_cpu.service\n", ""),
            "cpu.service");
  EXPECT_EQ(UnitOfCgroup("1:cpu:/\n0::/\n", "0::/\n"), "");
  EXPECT_EQ(UnitOfCgroup("", ""), "");
}

TEST(Ports, InAContainerHaveTheUnitsOfItsOwnSystemd) {
  EXPECT_EQ(UnitOfCgroup(
                "0::/machine.slice/web.service/payload/system.slice/a.service",
                "0::/machine.slice/web.service/payload/init.scope"),
            "a.service");
}

// A folder that is removed with the test.
class Folder : public ::testing::Test {
 protected:
  Folder()
      : root_(boost::filesystem::temp_directory_path() /
              boost::filesystem::unique_path()) {
    boost::filesystem::create_directories(root_);
  }
  ~Folder() override { boost::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const auto file = root_ / path;
    boost::filesystem::create_directories(file.parent_path());
    std::ofstream(file.string()) << text;
  }
  void Link(const std::string& path, const std::string& target) {
    const auto file = root_ / path;
    boost::filesystem::create_directories(file.parent_path());
    boost::filesystem::create_symlink(target, file);
  }

  const boost::filesystem::path root_;
};

using Owners = Folder;

TEST_F(Owners, AreFoundUnderTheNameAPackageWasBuiltWith) {
  Write("var/lib/dpkg/info/openssh-server.list",
        "/.\n/usr\n/usr/sbin\n/usr/sbin/sshd\n");
  Write("var/lib/dpkg/info/systemd:amd64.list",
        "/.\n/lib/systemd/systemd\n/lib/systemd/systemd-resolved\n");
  Write("var/lib/dpkg/info/openssh-server.md5sums", "0  usr/bin/other\n");
  const auto owners = FindOwners(
      Host(root_), {"/usr/sbin/sshd", "/usr/lib/systemd/systemd",
                    "/usr/lib/systemd/system", "/usr/bin/other",
                    "/usr/local/bin/x"});
  ASSERT_TRUE(owners.ok()) << owners.status();
  EXPECT_THAT(*owners,
              ElementsAre(Pair("/usr/lib/systemd/systemd", "systemd"),
                          Pair("/usr/sbin/sshd", "openssh-server")));
}

TEST_F(Owners, AreNotKnownWhenAListCannotBeRead) {
  boost::filesystem::create_directories(root_ / "var/lib/dpkg/info/a.list");
  EXPECT_TRUE(absl::IsUnavailable(
      FindOwners(Host(root_), {"/usr/bin/a"}).status()));
}

TEST_F(Owners, AreNotKnownWithoutAPackageManager) {
  EXPECT_TRUE(
      absl::IsNotFound(FindOwners(Host(root_), {"/usr/bin/a"}).status()));
}

TEST(OwnerLines, AreWholeOnes) {
  EXPECT_TRUE(HasLine("/a\n/b\n", "/a"));
  EXPECT_TRUE(HasLine("/a\n/b", "/b"));
  EXPECT_FALSE(HasLine("/a/b\n/c/a\n", "/a"));
  EXPECT_TRUE(HasLine("/a/b\n/a\n", "/a"));
  EXPECT_FALSE(HasLine("", "/a"));
  EXPECT_FALSE(HasLine("/a\n", ""));
}

using HoldersOf = Folder;

TEST_F(HoldersOf, SocketsAreTheProcessesWithADescriptorOfThem) {
  Write("proc/1/comm", "systemd\n");
  Write("proc/1/cgroup", "0::/init.scope\n");
  Link("proc/1/exe", "/usr/lib/systemd/systemd");
  Link("proc/1/fd/0", "/dev/null");
  Link("proc/1/fd/3", "socket:[10]");
  Write("proc/77/comm", ") R 1 0 0\n");
  Write("proc/77/cgroup", "0::/system.slice/ssh.service\n");
  Link("proc/77/exe", "/usr/sbin/sshd (deleted)");
  Link("proc/77/fd/4", "socket:[10]");
  Link("proc/77/fd/5", "socket:[11]");
  Write("proc/78/fd", "closed");
  // Ended while it was looked at.
  Link("proc/79/fd/4", "socket:[10]");
  Write("proc/self/comm", "not a process id");
  const auto found = FindHolders(Host(root_), {10});
  ASSERT_TRUE(found.ok()) << found.status();
  const Holders& holders = *found;
  ASSERT_THAT(holders.by_inode, SizeIs(2));
  EXPECT_EQ(holders.closed, 2);
  const auto first = holders.by_inode.begin(), second = std::next(first);
  EXPECT_EQ(first->second.program, "systemd");
  EXPECT_EQ(second->second.program, ") R 1 0 0");
  EXPECT_EQ(second->second.path, "/usr/sbin/sshd (deleted)");
  EXPECT_EQ(second->second.unit, "ssh.service");
}

// Not an empty list of holders: that would mean that the kernel has them all.
TEST_F(HoldersOf, SocketsAreNotKnownWithoutTheListOfProcesses) {
  EXPECT_TRUE(absl::IsNotFound(FindHolders(Host(root_), {10}).status()));
}

// A host whose kernel tells its sockets, and not its processes.
class WithoutProcesses : public RecordedHost {
 public:
  using RecordedHost::RecordedHost;
  absl::StatusOr<std::vector<std::string>> List(
      std::string_view path) const override {
    if (path == "/proc") return absl::PermissionDeniedError("/proc: closed");
    return RecordedHost::List(path);
  }
};

TEST(Ports, WhoseHoldersAreUnseenAreThereWithAGapOfTheirColumns) {
  const WithoutProcesses host(METSUKE_SOURCE "/tests/hosts/debian13");
  v1::Snapshot snapshot;
  ASSERT_TRUE(CollectPorts(host, snapshot).ok());
  ASSERT_GT(snapshot.ports_size(), 0);
  EXPECT_EQ(snapshot.ports(0).port(), 22u);
  EXPECT_EQ(snapshot.ports(0).user(), "root");
  EXPECT_EQ(snapshot.ports(0).program(), "");
  ASSERT_EQ(snapshot.gaps_size(), snapshot.ports_size());
  for (const v1::Gap& gap : snapshot.gaps()) {
    EXPECT_EQ(gap.reason(), "/proc: closed");
    EXPECT_THAT(gap.columns(),
                ElementsAre("program", "path", "unit", "package"));
  }
}

}  // namespace
}  // namespace metsuke
