// Several system loggers on one host.

#include "collectors/syslog_daemons.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "collectors/collector.h"
#include "tests/unit/fake_bus.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectSyslogConfig(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Active = std::vector<std::string>;

int Serve(sd_bus_message* m, void* data, sd_bus_error*) {
  if (sd_bus_message_is_method_call(m, nullptr, "Hello"))
    return sd_bus_reply_method_return(m, "s", ":1.7");
  if (!sd_bus_message_is_method_call(m, nullptr, "ListUnitsByPatterns"))
    return sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.X", "no");
  sd_bus_message* reply = nullptr;
  sd_bus_message_new_method_return(m, &reply);
  sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
  for (const std::string& unit : *static_cast<const Active*>(data))
    sd_bus_message_append(reply, "(ssssssouso)", unit.c_str(), "", "loaded",
                          "active", "running", "", "/", 0, "", "/");
  sd_bus_message_close_container(reply);
  const int result = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  return result < 0 ? result : 1;
}

// A host on which these services run; one without a bus where there are none.
class RunningHost : public RecordedHost {
 public:
  RunningHost(const HostFolder& folder, Active active)
      : RecordedHost(folder.path()), active_(std::move(active)) {}

  absl::StatusOr<int> Bus() const override {
    if (active_.empty()) return absl::UnavailableError("no bus");
    return bus_.Connect();
  }

 private:
  const Active active_;
  mutable FakeBus bus_{[this](sd_bus* bus) {
    sd_bus_add_filter(bus, nullptr, Serve, const_cast<Active*>(&active_));
  }};
};

class SyslogDaemonsTest : public testing::Test {
 protected:
  SyslogDaemonsTest() {
    folder_.Write("kernel", "h\n1\nx86_64\nsynchronized\n");
    folder_.Write("usr/sbin/rsyslogd", "");
    folder_.Write("etc/rsyslog.conf", "auth.* @loghost\n");
    folder_.Write("usr/sbin/syslog-ng", "");
    folder_.Write("etc/syslog-ng/syslog-ng.conf",
                  "log { source { system(); }; "
                  "destination { file(\"/var/log/all\"); }; };\n");
  }

  // The loggers whose rules are told, and the gaps.
  std::set<std::string> Told(Active active) {
    v1::Snapshot snapshot;
    EXPECT_TRUE(
        CollectSyslogConfig(RunningHost(folder_, std::move(active)), snapshot)
            .ok());
    std::set<std::string> told;
    for (const v1::SyslogRoute& route : snapshot.syslog_config())
      told.insert(route.daemon());
    for (const v1::Gap& gap : snapshot.gaps())
      told.insert(gap.subject() + ": " + gap.reason());
    return told;
  }

  HostFolder folder_;
};

TEST_F(SyslogDaemonsTest, OfSeveralTheOneThatRunsCounts) {
  EXPECT_THAT(Told({"cron.service", "syslog-ng.service"}),
              ElementsAre("syslog-ng"));
  EXPECT_THAT(Told({"rsyslog.service"}), ElementsAre("rsyslog"));
  EXPECT_THAT(Told({"syslog-ng@default.service"}), ElementsAre("syslog-ng"));
  EXPECT_THAT(Told({"rsyslog.service", "syslog-ng.service"}),
              ElementsAre("rsyslog", "syslog-ng"));
  folder_.Write("usr/sbin/syslogd", "");
  EXPECT_THAT(Told({"rsyslog.service"}), ElementsAre("rsyslog"));
  EXPECT_THAT(Told({"inetutils-syslogd.service"}),
              ElementsAre(HasSubstr("/etc/syslog.conf: the rules")));
}

TEST_F(SyslogDaemonsTest, WhereNoneRunsAllAreToldAndThatIsSaid) {
  EXPECT_THAT(Told({"syslog-ng-watch.service"}),
              ElementsAre("rsyslog", "syslog-ng",
                          HasSubstr("system logger: several are installed, and "
                                    "none of them runs")));
}

TEST_F(SyslogDaemonsTest, WhatIsNotToBeKnownIsSaid) {
  EXPECT_THAT(Told({}),
              ElementsAre("rsyslog", "syslog-ng",
                          HasSubstr("system logger: several are installed, and "
                                    "which of them runs is not known")));
}

}  // namespace
}  // namespace metsuke
