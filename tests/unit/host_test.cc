#include "collectors/host.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <fstream>
#include <thread>

#include "collectors/mount_table.h"
#include "collectors/recording.h"
#include "collectors/safe_open.h"
#include "proto/status.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;
using absl::StatusCode;

// A folder of its own for each test.
class HostTest : public testing::Test {
 protected:
  HostTest() : root_(fs::temp_directory_path() / fs::unique_path()) {
    fs::create_directories(root_ / "etc");
    fs::create_directories(root_ / "home/user");
    fs::create_directories(root_ / "home/user/.ssh");
  }
  ~HostTest() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& content) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream((root_ / path).c_str(), std::ios::binary) << content;
  }
  std::string At(const std::string& path) { return (root_ / path).string(); }

  static StatusCode CodeOf(const absl::StatusOr<std::string>& result) {
    return result.status().code();
  }

  const fs::path root_;
};

TEST_F(HostTest, ReadsAFileAndMakesItUtf8) {
  Write("etc/motd", "caf\xe9 \xe6\x97\xa5");
  EXPECT_EQ(*Host(root_).Read("/etc/motd"), "caf\uFFFD \u65E5");
}

TEST_F(HostTest, AMissingFileIsNotFoundAndAFileAsFolderToo) {
  Write("etc/motd", "");
  const Host host(root_);
  EXPECT_EQ(CodeOf(host.Read("/etc/none")), StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(host.Read("/etc/motd/x")), StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(host.Read("/" + std::string(5000, 'a'))),
            StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(host.Read(std::string("/etc/motd\0x", 11))),
            StatusCode::kNotFound);
}

TEST_F(HostTest, WhatIsNoRegularFileIsRefusedWithoutBeingOpened) {
  const Host host(root_);
  ASSERT_EQ(mkfifo(At("etc/fifo").c_str(), 0666), 0);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{AF_UNIX, {}};
  strncpy(address.sun_path, At("etc/socket").c_str(),
          sizeof address.sun_path - 1);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address),
                 sizeof address),
            0);
  for (const char* path : {"/etc/fifo", "/etc/socket", "/etc"}) {
    EXPECT_EQ(CodeOf(host.Read(path)), StatusCode::kFailedPrecondition)
        << path;
    EXPECT_EQ(CodeOf(host.ReadBytes(path, 0, 1)),
              StatusCode::kFailedPrecondition)
        << path;
    EXPECT_EQ(CodeOf(host.ReadBelow("/", path)),
              StatusCode::kFailedPrecondition)
        << path;
  }
  close(listener);
  EXPECT_EQ(CodeOf(Host().Read("/dev/zero")), StatusCode::kFailedPrecondition);
}

TEST_F(HostTest, ALargeFileCostsNothing) {
  Write("etc/sparse", "");
  ASSERT_EQ(truncate(At("etc/sparse").c_str(), int64_t{10} << 30), 0);
  const Host host(root_);
  EXPECT_EQ(CodeOf(host.Read("/etc/sparse")), StatusCode::kResourceExhausted);
  EXPECT_EQ(host.ReadBytes("/etc/sparse", -3, 10)->size(), 3u);
}

TEST_F(HostTest, TheCapIsHardToTheByte) {
  Write("etc/a", std::string(1000, 'x'));
  const Host host(root_);
  EXPECT_EQ(host.Read("/etc/a", 1000)->size(), 1000u);
  EXPECT_EQ(CodeOf(host.Read("/etc/a", 999)), StatusCode::kResourceExhausted);
  // procfs says that every file has 0 bytes.
  EXPECT_EQ(CodeOf(Host().Read("/proc/self/mountinfo", 10)),
            StatusCode::kResourceExhausted);
  EXPECT_FALSE(Host().Read("/proc/self/mountinfo")->empty());
}

TEST_F(HostTest, AMillionLinesAreReadWhole) {
  std::string lines;
  for (int i = 0; i < 1'000'000; ++i) lines += "x\n";
  Write("etc/long", lines);
  EXPECT_EQ(Host(root_).Read("/etc/long", 4 << 20)->size(), lines.size());
}

TEST_F(HostTest, PartsOfAFileAreReadFromBothEnds) {
  Write("var/log/wtmp", std::string("abc\0def", 7));
  const Host host(root_);
  EXPECT_EQ(*host.ReadBytes("/var/log/wtmp", 2, 3), std::string("c\0d", 3));
  EXPECT_EQ(*host.ReadBytes("/var/log/wtmp", -2, 9), "ef");
  EXPECT_EQ(*host.ReadBytes("/var/log/wtmp", -99, 3), "abc");
  EXPECT_EQ(*host.ReadBytes("/var/log/wtmp", 99, 3), "");
}

TEST_F(HostTest, AListIsSortedAndBounded) {
  for (const char* name : {"b", "a", ".c"}) Write(std::string("d/") + name, "");
  const Host host(root_);
  EXPECT_EQ(*host.List("/d"), (std::vector<std::string>{".c", "a", "b"}));
  EXPECT_EQ(host.List("/d/a").status().code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(host.List("/none").status().code(), StatusCode::kNotFound);
}

TEST_F(HostTest, StatSaysWhatTheFileIs) {
  Write("etc/shadow", "abc");
  ASSERT_EQ(chmod(At("etc/shadow").c_str(), 04640), 0);
  ASSERT_EQ(symlink("shadow", At("etc/link").c_str()), 0);
  const Host host(root_);
  const auto info = host.Stat("/etc/shadow");
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->kind, FileInfo::Kind::kRegular);
  EXPECT_EQ(info->mode, 04640u);
  EXPECT_EQ(info->size, 3);
  EXPECT_EQ(host.Stat("/etc/link")->inode, info->inode);
  EXPECT_EQ(host.StatBelow("/etc", "link")->kind, FileInfo::Kind::kSymlink);
  EXPECT_EQ(*host.ReadLink("/etc/link"), "shadow");
  EXPECT_EQ(CodeOf(host.ReadLink("/etc/shadow")),
            StatusCode::kFailedPrecondition);
}

// Everything about links holds with openat2(2) and without it.
class LinkTest : public HostTest,
                 public testing::WithParamInterface<Resolver> {
 protected:
  LinkTest() : tree_(root_, GetParam()) {}
  void Link(const std::string& target, const std::string& path) {
    ASSERT_EQ(symlink(target.c_str(), At(path).c_str()), 0);
  }
  StatusCode System(const std::string& path) {
    return tree_.OpenSystem(path, /*follow=*/true).status().code();
  }
  StatusCode Below(const std::string& path) {
    return tree_.OpenBelow("/home/user", path).status().code();
  }
  std::string Real(const std::string& path) {
    const auto opened = tree_.OpenSystem(path, /*follow=*/true);
    return opened.ok() ? opened->real : Message(opened.status());
  }
  const SafeTree tree_;
};

TEST_P(LinkTest, LinksOfRootAreFollowedAndStayBelowTheRoot) {
  Write("usr/lib/os-release", "");
  Link("../usr/lib/os-release", "etc/os-release");
  Link("/usr/lib", "lib");
  Link("../../../../../../../usr", "etc/up");
  EXPECT_EQ(Real("/etc/os-release"), "/usr/lib/os-release");
  EXPECT_EQ(Real("/lib/os-release"), "/usr/lib/os-release");
  EXPECT_EQ(Real("/etc/up/lib/os-release"), "/usr/lib/os-release");
  EXPECT_EQ(Real("/../../etc/../lib/os-release"), "/usr/lib/os-release");
  Link("/etc/passwd-of-the-outside", "etc/outside");
  EXPECT_EQ(System("/etc/outside"), StatusCode::kNotFound);
  EXPECT_EQ(Real("/"), "/");
}

TEST_P(LinkTest, ALoopOfLinksEnds) {
  Link("b", "etc/a");
  Link("a", "etc/b");
  EXPECT_EQ(System("/etc/a"), StatusCode::kFailedPrecondition);
  EXPECT_EQ(System("/etc/a/x"), StatusCode::kFailedPrecondition);
}

TEST_P(LinkTest, ALinkOfAnotherUserIsNotFollowed) {
  Write("etc/shadow", "secret");
  Link("/etc/shadow", "etc/trap");
  ASSERT_EQ(lchown(At("etc/trap").c_str(), 12345, 12345), 0)
      << "this test runs as root";
  EXPECT_EQ(System("/etc/trap"), StatusCode::kFailedPrecondition);
}

TEST_P(LinkTest, ALinkWhereOthersMayWriteIsNotFollowed) {
  Write("etc/shadow", "secret");
  fs::create_directories(root_ / "tmp");
  Link("/etc/shadow", "tmp/trap");
  EXPECT_EQ(System("/tmp/trap"), StatusCode::kOk);
  ASSERT_EQ(chmod(At("tmp").c_str(), 01777), 0);
  EXPECT_EQ(System("/tmp/trap"), StatusCode::kFailedPrecondition);
  ASSERT_EQ(chmod(At("tmp").c_str(), 0775), 0);
  ASSERT_EQ(chown(At("tmp").c_str(), 0, 12345), 0);
  EXPECT_EQ(System("/tmp/trap"), StatusCode::kFailedPrecondition);
}

TEST_P(LinkTest, BelowAHomeNoLinkIsFollowedAndNothingLeadsOut) {
  Write("home/user/.ssh/authorized_keys", "key");
  Write("home/other/.ssh/authorized_keys", "key");
  Link("/home/other/.ssh", "home/user/links");
  Link("/etc/shadow", "home/user/.ssh/trap");
  EXPECT_EQ(Below(".ssh/authorized_keys"), StatusCode::kOk);
  EXPECT_EQ(Below("links/authorized_keys"), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Below("../other/.ssh/authorized_keys"),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(Below(".ssh/none"), StatusCode::kNotFound);
  const auto trap = tree_.OpenBelow("/home/user", ".ssh/trap");
  ASSERT_TRUE(trap.ok());
  EXPECT_EQ(InfoOf(trap->fd.get(), "")->kind, FileInfo::Kind::kSymlink);
  EXPECT_EQ(Host(root_).ReadBelow("/home/user", ".ssh/trap").status().code(),
            StatusCode::kFailedPrecondition);
}

TEST_P(LinkTest, BelowAHomeNoOtherFileSystemIsEntered) {
  const SafeTree tree("/", GetParam());
  EXPECT_EQ(tree.OpenBelow("/", "proc/version").status().code(),
            StatusCode::kFailedPrecondition);
}

TEST_P(LinkTest, MagicLinksOfProcfsAreNotFollowed) {
  const SafeTree tree("/", GetParam());
  EXPECT_TRUE(tree.OpenSystem("/proc/self/mounts", true).ok());
  EXPECT_TRUE(tree.OpenSystem("/proc/mounts", true).ok());
  EXPECT_EQ(tree.OpenSystem("/proc/self/root/etc", true).status().code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(tree.OpenSystem("/proc/self/exe", true).status().code(),
            StatusCode::kFailedPrecondition);
  EXPECT_TRUE(tree.OpenSystem("/proc/self/exe", false).ok());
}

INSTANTIATE_TEST_SUITE_P(Both, LinkTest,
                         testing::Values(Resolver::kKernel, Resolver::kWalk));

TEST_F(HostTest, AHardLinkToTheFileOfAnotherIsNotRead) {
  Write("etc/shadow", "secret");
  fs::create_hard_link(root_ / "etc/shadow",
                       root_ / "home/user/.ssh/authorized_keys");
  ASSERT_EQ(chown(At("home/user").c_str(), 12345, 12345), 0);
  const Host host(root_);
  EXPECT_EQ(CodeOf(host.ReadBelow("/home/user", ".ssh/authorized_keys")),
            StatusCode::kFailedPrecondition);
  ASSERT_EQ(chown(At("etc/shadow").c_str(), 12345, 12345), 0);
  EXPECT_EQ(*host.ReadBelow("/home/user", ".ssh/authorized_keys"), "secret");
}

TEST_F(HostTest, AFileThatKeepsChangingIsAbortedButItsPartsAreReadable) {
  Write("var/log/app.log", "start\n");
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    std::ofstream log(At("var/log/app.log").c_str(), std::ios::app);
    while (!stop) log << "line" << std::endl;
  });
  const Host host(root_);
  int aborted = 0;
  for (int i = 0; i < 2000 && aborted == 0; ++i) {
    const auto text = host.Read("/var/log/app.log", 256 << 20);
    if (absl::IsAborted(text.status())) ++aborted;
    const auto part = host.ReadBytes("/var/log/app.log", 0, 6);
    EXPECT_TRUE(part.ok() && *part == "start\n");
  }
  stop = true;
  writer.join();
  EXPECT_GT(aborted, 0);
}

TEST_F(HostTest, AnImageRunsNothing) {
  const Host host(root_);
  EXPECT_FALSE(host.Running());
  EXPECT_EQ(CodeOf(host.Run({"/bin/true"})), StatusCode::kUnavailable);
  EXPECT_EQ(CodeOf(host.Netlink("x", 0, "")), StatusCode::kUnavailable);
  EXPECT_EQ(host.Kernel().status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(host.Bus().status().code(), StatusCode::kUnavailable);
}

TEST_F(HostTest, AMissingRootIsAnErrorOfEachCall) {
  const Host host(root_ / "none");
  EXPECT_EQ(CodeOf(host.Read("/etc/motd")), StatusCode::kNotFound);
}

TEST(MountTable, TheLastMountOnAPointCounts) {
  const auto mounts = ParseMountInfo(
      "22 1 0:21 / / rw - ext4 /dev/vda rw\n"
      "23 22 0:30 / /home rw shared:5 - autofs systemd-1 rw\n"
      "24 23 0:31 / /home rw shared:6 master:1 - nfs4 server:/home rw\n"
      "25 22 0:32 / /mnt/with\\040blank rw - fuse.sshfs x rw\n"
      "garbage\n\n1 2 3 4 5 6\n");
  EXPECT_EQ(mounts.at("/home"), "nfs4");
  EXPECT_EQ(mounts.at("/mnt/with blank"), "fuse.sshfs");
  EXPECT_EQ(mounts.size(), 3u);
}

TEST(MountTable, RemoteAndFuseAreKnownByType) {
  for (const char* type : {"nfs4", "cifs", "fuse.sshfs", "fuse", "autofs", "9p"})
    EXPECT_TRUE(IsRemoteType(type)) << type;
  for (const char* type : {"ext4", "tmpfs", "overlay", "fusectl", "xfs"})
    EXPECT_FALSE(IsRemoteType(type)) << type;
}

TEST_F(HostTest, WhatLiesOnARemoteFileSystemIsForbidden) {
  Write("mountinfo",
        "1 0 0:1 / / rw - ext4 /dev/vda rw\n"
        "2 1 0:2 / /home rw - nfs4 server:/home rw\n"
        "3 2 0:3 / /home/local rw - ext4 /dev/vdb rw\n"
        "4 1 0:4 / /srv/image rw - 9p image rw\n"
        "5 4 0:5 / /srv/image/mnt rw - fuse.sshfs x rw\n");
  MountTable machine("/", At("mountinfo"));
  EXPECT_EQ(machine.Forbidden("/home/user/.ssh"), "nfs4");
  EXPECT_EQ(machine.Forbidden("/home"), "nfs4");
  EXPECT_EQ(machine.Forbidden("/homely"), "");
  EXPECT_EQ(machine.Forbidden("/home/local/x"), "");
  EXPECT_EQ(machine.Forbidden("/"), "");
  MountTable image("/srv/image", At("mountinfo"));
  EXPECT_EQ(image.Forbidden("/etc"), "");
  EXPECT_EQ(image.Forbidden("/"), "");
  EXPECT_EQ(image.Forbidden("/mnt/x"), "fuse.sshfs");
}

class RecordingTest : public HostTest {
 protected:
  // What was written so long ago that its times can be trusted.
  void Settle() { usleep(1'100'000); }

  template <typename F>
  Recording Record(const Host& host, F&& look) {
    host.StartRecording({});
    look();
    return host.TakeRecording();
  }
};

TEST_F(RecordingTest, IsUnchangedUntilSomethingChanges) {
  Write("etc/a", "1");
  Write("etc/d/x", "1");
  Write("home/user/k", "1");
  Settle();
  const Host host(root_);
  const Recording all = Record(host, [&] {
    EXPECT_TRUE(host.Read("/etc/a").ok());
    EXPECT_TRUE(host.List("/etc/d").ok());
    EXPECT_TRUE(host.ReadBelow("/home/user", "k").ok());
    EXPECT_FALSE(host.Read("/etc/none").ok());
  });
  EXPECT_FALSE(all.live());
  EXPECT_TRUE(host.Unchanged(all));
  EXPECT_TRUE(host.Unchanged(Recording(all.ToProto())));

  const auto changed_by = [&](auto&& change, auto&& undo) {
    EXPECT_TRUE(host.Unchanged(all));
    change();
    const bool changed = !host.Unchanged(all);
    undo();
    return changed;
  };
  EXPECT_TRUE(changed_by([&] { Write("etc/none", ""); },
                         [&] { fs::remove(root_ / "etc/none"); }));
  EXPECT_FALSE(changed_by([&] { Write("etc/unrelated", ""); },
                          [&] { fs::remove(root_ / "etc/unrelated"); }));
  EXPECT_TRUE(
      changed_by([&] { fs::rename(root_ / "home/user/k", root_ / "k"); }, [] {}));
}

TEST_F(RecordingTest, ANewNameInAListedFolderAndNewContentAreSeen) {
  Write("etc/a", "1");
  Write("etc/d/x", "1");
  Settle();
  const Host host(root_);
  const Recording folder = Record(host, [&] { (void)host.List("/etc/d"); });
  const Recording file = Record(host, [&] { (void)host.Read("/etc/a"); });
  EXPECT_TRUE(host.Unchanged(folder));
  EXPECT_TRUE(host.Unchanged(file));
  Write("etc/d/y", "");
  EXPECT_FALSE(host.Unchanged(folder));
  Write("etc/a", "2");  // of the same size
  EXPECT_FALSE(host.Unchanged(file));
}

TEST_F(RecordingTest, AFreshFileIsNotTrusted) {
  Write("etc/a", "1");
  const Host host(root_);
  const Recording fresh = Record(host, [&] { (void)host.Read("/etc/a"); });
  EXPECT_TRUE(fresh.live());
  EXPECT_FALSE(host.Unchanged(fresh));
}

TEST_F(RecordingTest, ProcfsIsLive) {
  const Host host;
  EXPECT_TRUE(
      Record(host, [&] { (void)host.Read("/proc/loadavg"); }).live());
  EXPECT_TRUE(Record(host, [&] { (void)host.List("/proc"); }).live());
  EXPECT_TRUE(
      Record(host, [&] { (void)host.ReadLink("/proc/self/exe"); }).live());
}

TEST_F(RecordingTest, ARecordedHostTellsWhatAMachineWould) {
  Write("kernel", "web01\n6.1.0-28-amd64\nx86_64\nsynchronized\n");
  Write("commands/%usr%sbin%sshd -T", "port 22\n");
  Write("commands/%usr%bin%bad.error", "exit code 1");
  Write("netlink/tcp4", "bytes");
  Write("attributes", "0600 1000 1000 1700000000 /home/user/k\n");
  Write("home/user/k", "");
  const RecordedHost host(root_);
  EXPECT_TRUE(host.Running());
  EXPECT_EQ(host.Kernel()->release, "6.1.0-28-amd64");
  EXPECT_TRUE(host.Kernel()->clock_synchronized.value());
  EXPECT_EQ(*host.Run({"/usr/sbin/sshd", "-T"}), "port 22\n");
  EXPECT_EQ(CodeOf(host.Run({"/usr/sbin/sshd"})), StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(host.Run({"/usr/bin/bad"})), StatusCode::kUnavailable);
  EXPECT_EQ(*host.Netlink("tcp4", 0, ""), "bytes");
  EXPECT_EQ(host.StatBelow("/home/user", "k")->mode, 0600u);
  EXPECT_EQ(host.StatBelow("/home/user", "k")->uid, 1000u);
  EXPECT_EQ(host.Stat("/kernel")->modified, 1767225600);
}

}  // namespace
}  // namespace metsuke
