#include "collectors/systemd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collectors/collector.h"
#include "tests/unit/fake_bus.h"

namespace metsuke {

absl::Status CollectServices(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectTimers(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What the bus and systemd behind it answer; each returns what sd-bus expects
// of a message handler.
int Hello(sd_bus_message* m, void*, sd_bus_error*) {
  return sd_bus_reply_method_return(m, "s", ":1.7");
}

std::string Pattern(sd_bus_message* m) {
  sd_bus_message_skip(m, "as");
  sd_bus_message_enter_container(m, 'a', "s");
  const char* pattern = "";
  sd_bus_message_read(m, "s", &pattern);
  return pattern;
}

int Send(sd_bus_message* reply) {
  const int result = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  return result < 0 ? result : 1;
}

int ListUnits(sd_bus_message* m, void*, sd_bus_error*) {
  sd_bus_message* reply;
  sd_bus_message_new_method_return(m, &reply);
  sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
  const auto add = [&](const char* name, const char* load, const char* active,
                       const char* sub) {
    sd_bus_message_append(reply, "(ssssssouso)", name, "A unit", load, active,
                          sub, "", "/u", 0, "", "/");
  };
  if (Pattern(m) == "*.service") {
    add("ssh.service", "loaded", "active", "running");
    add("getty@tty1.service", "loaded", "active", "running");
    add("gone.service", "not-found", "inactive", "dead");
  } else {
    add("daily.timer", "loaded", "active", "waiting");
    add("broken.timer", "loaded", "active", "waiting");
  }
  sd_bus_message_close_container(reply);
  return Send(reply);
}

int ListUnitFiles(sd_bus_message* m, void*, sd_bus_error*) {
  if (Pattern(m) == "*.service")
    return sd_bus_reply_method_return(
        m, "a(ss)", 5, "/lib/systemd/system/ssh.service", "enabled",
        "/etc/systemd/system/sshd.service", "alias",
        "/lib/systemd/system/rsync.service", "disabled",
        "/etc/systemd/system/telnet.service", "masked",
        "/lib/systemd/system/getty@.service", "enabled");
  return sd_bus_reply_method_return(
      m, "a(ss)", 2, "/lib/systemd/system/daily.timer", "enabled",
      "/lib/systemd/system/each@.timer", "static");
}

int GetUnitFileState(sd_bus_message* m, void*, sd_bus_error* error) {
  const char* name = "";
  sd_bus_message_read(m, "s", &name);
  if (std::string(name) == "getty@tty1.service")
    return sd_bus_reply_method_return(m, "s", "enabled-runtime");
  return sd_bus_error_set(error, "org.freedesktop.systemd1.NoSuchUnit", "no");
}

int GetAll(sd_bus_message* m, void*, sd_bus_error*) {
  sd_bus_message* reply;
  sd_bus_message_new_method_return(m, &reply);
  sd_bus_message_append(
      reply, "a{sv}", 7, "Unit", "s", "daily.service", "Persistent", "b", 1,
      "LastTriggerUSec", "t", uint64_t{1795222845000000}, "RemainAfterElapse",
      "b", 1, "TimersCalendar", "a(sst)", 2, "OnCalendar", "*-*-* 06:00:00",
      uint64_t{1}, "OnCalendar", "Sun *-*-*", uint64_t{2}, "TimersMonotonic",
      "a(stt)", 1, "OnBootUSec", uint64_t{900000000}, uint64_t{3}, "Result",
      "s", "success");
  return Send(reply);
}

const sd_bus_vtable kBus[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Hello", "", "s", Hello, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};
const sd_bus_vtable kManager[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("ListUnitsByPatterns", "asas", "a(ssssssouso)", ListUnits,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ListUnitFilesByPatterns", "asas", "a(ss)", ListUnitFiles,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("GetUnitFileState", "s", "s", GetUnitFileState,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

// Answers GetAll for daily.timer, which sd-bus itself would answer from a
// vtable of properties.
int Filter(sd_bus_message* m, void*, sd_bus_error* error) {
  if (!sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties",
                                     "GetAll"))
    return 0;
  const std::string path = sd_bus_message_get_path(m);
  return path == "/org/freedesktop/systemd1/unit/daily_2etimer"
             ? GetAll(m, nullptr, error)
             : sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.X", "torn");
}

// A bus with systemd on it, at the other end of a socket pair; or a peer that
// says nothing, or a bus on which systemd is not.
class MockHost : public Host {
 public:
  enum Kind { kSystemd, kSilent, kNoSystemd, kHangsUp, kDenies };

  explicit MockHost(Kind kind) : kind_(kind) {}

  absl::StatusOr<int> Bus() const override {
    if (kind_ != kHangsUp) return bus_.Connect();
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    close(pair[1]);
    return pair[0];
  }

 private:
  static int Refuse(sd_bus_message* m, void* name, sd_bus_error*) {
    if (sd_bus_message_is_method_call(m, nullptr, "Hello")) return 0;
    return sd_bus_reply_method_errorf(m, static_cast<const char*>(name), "no");
  }

  void SetUp(sd_bus* bus) const {
    static char unknown[] = "org.freedesktop.DBus.Error.ServiceUnknown";
    static char denied[] = "org.freedesktop.DBus.Error.AccessDenied";
    if (kind_ == kSystemd)
      sd_bus_add_filter(bus, nullptr, Filter, nullptr);
    else
      sd_bus_add_filter(bus, nullptr, Refuse,
                        kind_ == kNoSystemd ? unknown : denied);
    sd_bus_add_object_vtable(bus, nullptr, "/org/freedesktop/DBus",
                             "org.freedesktop.DBus", kBus, nullptr);
    sd_bus_add_object_vtable(bus, nullptr, "/org/freedesktop/systemd1",
                             "org.freedesktop.systemd1.Manager", kManager,
                             nullptr);
  }

  const Kind kind_;
  mutable FakeBus bus_{kind_ == kSilent ? std::function<void(sd_bus*)>()
                                        : [this](sd_bus* bus) { SetUp(bus); }};
};

TEST(Services, UnitsAndFilesAreMerged) {
  const MockHost host(MockHost::kSystemd);
  v1::Snapshot snapshot;
  const absl::Status status = CollectServices(host, snapshot);
  ASSERT_TRUE(status.ok()) << status;
  std::vector<std::string> rows;
  for (const v1::Service& r : snapshot.services())
    rows.push_back(r.name() + "|" + r.load() + "|" + r.enabled() + "|" +
                   r.active() + "|" + r.sub() + "|" + r.description());
  EXPECT_THAT(rows,
              ElementsAre("getty@.service||enabled|inactive|dead|",
                          "getty@tty1.service|loaded|enabled-runtime|active|running|A unit",
                          "gone.service|not-found||inactive|dead|A unit",
                          "rsync.service||disabled|inactive|dead|",
                          "ssh.service|loaded|enabled|active|running|A unit",
                          "telnet.service|masked|masked|inactive|dead|"));
}

TEST(Timers, SayWhenTheyRunAndLastRan) {
  const MockHost host(MockHost::kSystemd);
  v1::Snapshot snapshot;
  const absl::Status status = CollectTimers(host, snapshot);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(snapshot.timers_size(), 3);
  const v1::Timer& daily = snapshot.timers(1);
  EXPECT_EQ(daily.name(), "daily.timer");
  EXPECT_EQ(daily.unit(), "daily.service");
  EXPECT_EQ(daily.enabled(), "enabled");
  EXPECT_EQ(daily.active(), "active");
  EXPECT_EQ(daily.schedule(),
            "OnCalendar=*-*-* 06:00:00; OnCalendar=Sun *-*-*; OnBootSec=15min");
  EXPECT_TRUE(daily.persistent());
  EXPECT_EQ(daily.last_run(), 1795222800);  // on the hour
  EXPECT_EQ(snapshot.timers(2).name(), "each@.timer");
  EXPECT_EQ(snapshot.timers(2).schedule(), "");
  ASSERT_EQ(snapshot.gaps_size(), 1);
  EXPECT_EQ(snapshot.gaps(0).subject(), "broken.timer");
  EXPECT_THAT(snapshot.gaps(0).reason(), HasSubstr("torn"));
}

TEST(Services, ABusWithoutSystemdIsAbsent) {
  const MockHost host(MockHost::kNoSystemd);
  v1::Snapshot snapshot;
  EXPECT_TRUE(IsAbsent(CollectServices(host, snapshot)));
}

TEST(Services, ARefusalIsNotAbsence) {
  const MockHost host(MockHost::kDenies);
  v1::Snapshot snapshot;
  EXPECT_TRUE(absl::IsPermissionDenied(CollectServices(host, snapshot)));
}

TEST(Services, ABusThatSaysNothingIsLeftInTime) {
  const MockHost host(MockHost::kSilent);
  v1::Snapshot snapshot;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(absl::IsDeadlineExceeded(CollectServices(host, snapshot)));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
}

TEST(Services, ABusThatHangsUpIsAnError) {
  const MockHost host(MockHost::kHangsUp);
  v1::Snapshot snapshot;
  const absl::Status status = CollectServices(host, snapshot);
  EXPECT_FALSE(status.ok());
  EXPECT_FALSE(IsAbsent(status));
}

TEST(Services, AnImageSaysItIsOne) {
  v1::Snapshot snapshot;
  const absl::Status status = CollectServices(Host("/nonexistent"), snapshot);
  EXPECT_TRUE(absl::IsUnavailable(status));
}

TEST(Systemd, WritesTimeSpansAsItsUnitFilesDo) {
  EXPECT_EQ(TimeSpan(0), "0");
  EXPECT_EQ(TimeSpan(900000000), "15min");
  EXPECT_EQ(TimeSpan(5400000000), "1h 30min");
  EXPECT_EQ(TimeSpan(86400000000), "1d");
  EXPECT_EQ(TimeSpan(604800000000 + 1500), "1w 1ms 500us");
  EXPECT_EQ(TimeSpan(UINT64_MAX), "infinity");
}

}  // namespace
}  // namespace metsuke
