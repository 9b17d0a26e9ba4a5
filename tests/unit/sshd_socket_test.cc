#include "collectors/sshd_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/collector.h"
#include "tests/unit/fake_bus.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectSshAccess(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectSshdOptions(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What systemd says of ssh.socket.
struct Answer {
  const char* active = "active";
  const char* bind = "default";
};

int Serve(sd_bus_message* m, void* data, sd_bus_error*) {
  if (sd_bus_message_is_method_call(m, nullptr, "Hello"))
    return sd_bus_reply_method_return(m, "s", ":1.7");
  if (std::string(sd_bus_message_get_path(m)) !=
      "/org/freedesktop/systemd1/unit/ssh_2esocket")
    return sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.X", "no");
  const Answer& answer = *static_cast<const Answer*>(data);
  return sd_bus_reply_method_return(
      m, "a{sv}", 4, "Listen", "a(ss)", 4, "Stream", "[::]:2222", "Stream",
      "192.0.2.7:22", "Stream", "/run/ssh.sock", "Datagram", "[::]:9", "Accept",
      "b", 0, "ActiveState", "s", answer.active, "BindIPv6Only", "s",
      answer.bind);
}

// A recorded host with systemd on its bus.
class BusHost : public RecordedHost {
 public:
  BusHost(const HostFolder& folder, Answer answer)
      : RecordedHost(folder.path()), answer_(answer) {}

  absl::StatusOr<int> Bus() const override { return bus_.Connect(); }

 private:
  const Answer answer_;
  mutable FakeBus bus_{[this](sd_bus* bus) {
    sd_bus_add_filter(bus, nullptr, Serve, const_cast<Answer*>(&answer_));
  }};
};

class SshdSocket : public testing::Test {
 protected:
  SshdSocket() {
    folder_.Write("kernel", "h\n1\nx86_64\nsynchronized\n");
    folder_.Write("usr/sbin/sshd", "");
    folder_.Write("bin/sh", "");
    folder_.Write("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    folder_.Write("etc/group", "root:x:0:\n");
    folder_.Write("etc/shadow", "root:*:19000:0:99999:7:::\n");
    folder_.Write("etc/pam.d/sshd", "auth required pam_unix.so\n");
    folder_.Write("proc/stat", "btime 1\n");
    folder_.Write("etc/ssh/sshd_config", "");
    Says("");
    folder_.Write("lib/systemd/system/ssh.socket", "");
  }
  void Says(const std::string& options) {
    folder_.Write("commands/%usr%sbin%sshd -T" + options,
                  "port 22\nlistenaddress 0.0.0.0:22\nlistenaddress [::]:22\n"
                  "usepam yes\npermitrootlogin yes\n"
                  "passwordauthentication yes\n");
  }
  // The listeners of ssh_access, and the state.
  std::vector<std::string> Listeners(const Host& host) {
    snapshot_.Clear();
    EXPECT_TRUE(CollectSshAccess(host, snapshot_).ok());
    std::vector<std::string> listeners;
    for (const v1::SshAccess& row : snapshot_.ssh_access())
      if (row.account() == "root")
        listeners.push_back(row.listener() + " " + row.daemon());
    return listeners;
  }

  HostFolder folder_;
  v1::Snapshot snapshot_;
};

TEST_F(SshdSocket, ListensInPlaceOfTheDaemon) {
  EXPECT_THAT(Listeners(BusHost(folder_, {})),
              ElementsAre("*:2222 same", "192.0.2.7:22 same"));
  EXPECT_THAT(snapshot_.gaps(), IsEmpty());
  EXPECT_THAT(Listeners(BusHost(folder_, {"active", "ipv6-only"})),
              ElementsAre("[::]:2222 same", "192.0.2.7:22 same"));
  EXPECT_THAT(Listeners(BusHost(folder_, {"inactive"})),
              ElementsAre("*:22 not_running"));
  v1::Snapshot options;
  ASSERT_TRUE(CollectSshdOptions(BusHost(folder_, {}), options).ok());
  EXPECT_EQ(options.sshd_options(0).daemon(), "same");
}

TEST_F(SshdSocket, StartsSshdWithTheOptionsOfItsUnit) {
  folder_.Write("etc/default/ssh",
                "# SSHD_OPTS=-p1\nSSHD_OPTS=\"-o UsePAM=yes -p 7\"\n");
  Says(" -o UsePAM=yes -p 7");
  boost::filesystem::remove(folder_.path() / "commands/%usr%sbin%sshd -T");
  EXPECT_THAT(Listeners(BusHost(folder_, {})),
              ElementsAre("*:2222 same", "192.0.2.7:22 same"));
  folder_.Write("etc/default/ssh", "SSHD_OPTS=nonsense\n");
  Says("");
  EXPECT_THAT(Listeners(BusHost(folder_, {})),
              ElementsAre("*:2222 unknown", "192.0.2.7:22 unknown"));
}

TEST_F(SshdSocket, ThatCannotBeAskedForIsAGap) {
  folder_.Write("run/systemd/system/.keep", "");  // and no bus
  EXPECT_THAT(Listeners(RecordedHost(folder_.path())),
              ElementsAre("*:22 unknown"));
  ASSERT_EQ(snapshot_.gaps_size(), 2);
  EXPECT_EQ(snapshot_.gaps(1).subject(), "ssh.socket");
  boost::filesystem::remove(folder_.path() / "lib/systemd/system/ssh.socket");
  EXPECT_THAT(Listeners(RecordedHost(folder_.path())),
              ElementsAre("*:22 not_running"));
}

}  // namespace
}  // namespace metsuke
