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

// What systemd says.
struct Answer {
  const char* active = "active";
  const char* bind = "default";
  int accept = 0;
  std::vector<const char*> command = {"/usr/sbin/sshd", "-D", "$SSHD_OPTS"};
  const char* unit = "ssh.socket";
};

int ListUnits(sd_bus_message* m, const Answer& answer) {
  const char* state = "";
  sd_bus_message_enter_container(m, 'a', "s");
  sd_bus_message_read(m, "s", &state);
  EXPECT_STREQ(state, "active");
  sd_bus_message* reply;
  sd_bus_message_new_method_return(m, &reply);
  sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
  for (const char* name : {answer.unit, "web.socket"})
    if (std::string(answer.active) == "active")
      sd_bus_message_append(reply, "(ssssssouso)", name, "A unit", "loaded",
                            "active", "listening", "", "/u", 0, "", "/");
  sd_bus_message_close_container(reply);
  const int result = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  return result < 0 ? result : 1;
}

int Socket(sd_bus_message* m, const Answer& answer, const char* service) {
  const char* other = "web.service";
  return sd_bus_reply_method_return(
      m, "a{sv}", 6, "Listen", "a(ss)", 4, "Stream", "[::]:2222", "Stream",
      "192.0.2.7:22", "Stream", "/run/ssh.sock", "Datagram", "[::]:9", "Accept",
      "b", answer.accept, "ActiveState", "s", answer.active, "BindIPv6Only",
      "s", answer.bind, "Triggers", "as", 1, answer.accept ? other : service,
      "Result", "s", "success");
}

int Service(sd_bus_message* m, const std::vector<const char*>& command) {
  sd_bus_message* reply;
  sd_bus_message_new_method_return(m, &reply);
  sd_bus_message_open_container(reply, 'a', "{sv}");
  sd_bus_message_append(reply, "{sv}", "Type", "s", "notify");
  sd_bus_message_open_container(reply, 'e', "sv");
  sd_bus_message_append(reply, "s", "ExecStart");
  sd_bus_message_open_container(reply, 'v', "a(sasbttttuii)");
  sd_bus_message_open_container(reply, 'a', "(sasbttttuii)");
  sd_bus_message_open_container(reply, 'r', "sasbttttuii");
  sd_bus_message_append(reply, "s", command[0]);
  sd_bus_message_open_container(reply, 'a', "s");
  for (const char* word : command) sd_bus_message_append(reply, "s", word);
  sd_bus_message_close_container(reply);
  sd_bus_message_append(reply, "bttttuii", 0, uint64_t{0}, uint64_t{0},
                        uint64_t{0}, uint64_t{0}, 0, 0, 0);
  for (int i = 0; i < 4; ++i) sd_bus_message_close_container(reply);
  sd_bus_message_append(reply, "{sv}", "EnvironmentFiles", "a(sb)", 1,
                        "/etc/default/ssh", 1);
  sd_bus_message_append(reply, "{sv}", "Environment", "as", 2,
                        "SSHD_OPTS=-oUsePAM=no", "FILE=/etc/ssh/other");
  sd_bus_message_close_container(reply);
  const int result = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  return result < 0 ? result : 1;
}

int Serve(sd_bus_message* m, void* data, sd_bus_error*) {
  const Answer& answer = *static_cast<const Answer*>(data);
  const std::string path = sd_bus_message_get_path(m);
  const auto is = [&](const std::string& unit) {
    char* made = nullptr;
    sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &made);
    const std::string wanted = made;
    free(made);
    return path == wanted;
  };
  const std::string stem =
      std::string(answer.unit).substr(0, std::string(answer.unit).find('.'));
  const std::string service = stem + ".service";
  if (sd_bus_message_is_method_call(m, nullptr, "Hello"))
    return sd_bus_reply_method_return(m, "s", ":1.7");
  if (sd_bus_message_is_method_call(m, nullptr, "ListUnitsByPatterns"))
    return ListUnits(m, answer);
  if (is(answer.unit)) return Socket(m, answer, service.c_str());
  if (is("web.socket")) return Socket(m, Answer(), "web.service");
  if (is("web.service")) return Service(m, {"/usr/sbin/nginx"});
  if (is(answer.accept ? stem + "@metsuke.service" : service))
    return Service(m, answer.command);
  return sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.X", "no");
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
    Says(" -o UsePAM=no");  // what Environment= of the unit says
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
    const absl::Status status = CollectSshAccess(host, snapshot_);
    EXPECT_TRUE(status.ok()) << status;
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

TEST_F(SshdSocket, HasItsServiceSayWhatIsStarted) {
  Says(" -o UsePAM=yes");
  boost::filesystem::remove(folder_.path() / "commands/%usr%sbin%sshd -T");
  for (const int accept : {0, 1}) {
    EXPECT_THAT(Listeners(BusHost(folder_,
                                  {.accept = accept,
                                   .command = {"/usr/sbin/sshd", "-i", "-o",
                                               "UsePAM=yes", "$UNKNOWN"}})),
                ElementsAre("*:2222 same", "192.0.2.7:22 same"));
    EXPECT_THAT(snapshot_.gaps(), IsEmpty());
  }
  Says("");
  EXPECT_THAT(
      Listeners(BusHost(folder_, {.command = {"/opt/start-sshd", "-i"}})),
      ElementsAre("*:2222 unknown", "192.0.2.7:22 unknown"));
}

TEST_F(SshdSocket, OfAnotherServerIsAGap) {
  const std::vector<const char*> command = {"/usr/sbin/sshd", "-i",
                                            "-f${FILE}.conf"};
  EXPECT_THAT(
      Listeners(BusHost(
          folder_, {.accept = 1, .command = command, .unit = "old.socket"})),
      ElementsAre("*:22 not_running"));
  ASSERT_EQ(snapshot_.gaps_size(), 1) << snapshot_.ShortDebugString();
  EXPECT_EQ(snapshot_.gaps(0).subject(),
            "old.socket: /usr/sbin/sshd -i -f/etc/ssh/other.conf");
  Listeners(BusHost(folder_, {.command = {"/usr/sbin/dropbear", "-i"}}));
  ASSERT_EQ(snapshot_.gaps_size(), 1);
  EXPECT_EQ(snapshot_.gaps(0).subject(), "ssh.socket: /usr/sbin/dropbear -i");
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
