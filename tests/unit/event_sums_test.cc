#include "collectors/event_sums.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/unit/event_records.h"

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What EventSums makes of records, each with its second and its process.
std::vector<std::string> Sums(
    const std::vector<std::tuple<int, int, JournalRecord>>& records) {
  EventSums sums;
  for (const auto& [second, process, record] : records) {
    JournalRecord one = record;
    one.time = (1'795'369'800 + static_cast<uint64_t>(second)) * 1'000'000;
    if (auto event = ReadEvent(one, NameOf))
      sums.Add(*std::move(event), static_cast<uint64_t>(process));
  }
  std::vector<std::string> lines;
  for (const v1::Event& event : sums.Take())
    lines.push_back(fmt::format("{} {} {} {}", event.kind(), event.account(),
                                event.method(), event.count()));
  return lines;
}

TEST(EventSums, AreFailuresOfOneSourceWithinTenMinutes) {
  const auto failed = [](std::string_view account, std::string_view from,
                         std::string_view method = "password") {
    static std::deque<std::string> kept;
    return Sshd(kept.emplace_back(fmt::format(
        "Failed {} for {} from {} port 5 ssh2", method, account, from)));
  };
  EXPECT_THAT(Sums({{0, 1, failed("root", "192.0.2.1")},
                    {1, 2, failed("root", "192.0.2.1")},
                    {2, 3, failed("root", "192.0.2.2")},
                    {3, 4, failed("bob", "192.0.2.1")},
                    {4, 5, failed("root", "192.0.2.1", "publickey")},
                    {599, 6, failed("root", "192.0.2.1")},
                    {600, 7, failed("root", "192.0.2.1")}}),
              ElementsAre("login_failed root password 3",
                          "login_failed root password 1",
                          "login_failed bob password 1",
                          "login_failed root publickey 1",
                          "login_failed root password 1"));
}

TEST(EventSums, AreWorthTheirWeakestPart) {
  const auto sure = Sshd("Failed password for root from 192.0.2.1 port 5 ssh2");
  JournalRecord gone = sure;
  gone.exe = "";
  for (const auto& [first, second] : {std::pair(sure, gone), {gone, sure}}) {
    EventSums sums;
    sums.Add(*ReadEvent(first, NameOf), 1);
    sums.Add(*ReadEvent(second, NameOf), 2);
    const auto events = sums.Take();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].source(), "root");
  }
}

TEST(EventSums, OfTooManyAccountsAreTold) {
  EventSums sums;
  for (int i = 0; i < 1000; ++i) {
    v1::Event event;
    event.set_kind("login_failed");
    event.set_account(fmt::format("u{}", i));
    event.set_from("192.0.2.1");
    event.set_count(1);
    sums.Add(event, static_cast<uint64_t>(i));
  }
  const auto events = sums.Take();
  ASSERT_EQ(events.size(), 301u);
  EXPECT_EQ(events.back().account(), "");
  EXPECT_EQ(events.back().detail(), "of many accounts");
  EXPECT_EQ(events.back().count(), 700u);
}

TEST(EventSums, LeavingAfterATryIsNoSecondOne) {
  const auto failed = Sshd("Failed password for root from 192.0.2.1 port 5 ssh2");
  const auto left = Sshd(
      "Connection closed by authenticating user root 192.0.2.1 port 5 [preauth]");
  EXPECT_THAT(Sums({{0, 1, failed}, {1, 1, left}, {2, 2, left}}),
              ElementsAre("login_failed root password 1",
                          "login_failed root none 1"));
  const auto refused = Sshd(
      "fatal: Access denied for user root by PAM account configuration [preauth]");
  EXPECT_THAT(Sums({{0, 1, failed}, {1, 1, refused}, {2, 2, refused}}),
              ElementsAre("login_failed root password 1",
                          "login_failed root policy 1"));
  EXPECT_THAT(Sums({{0, 1, failed}, {700, 1, left}}),
              ElementsAre("login_failed root password 1",
                          "login_failed root none 1"))
      << "another process with the same number";
}

// log_exit_status has sudo say the same again once the program has ended.
TEST(EventSums, TheEndOfWhatSudoRanIsNoSecondRun) {
  const auto ran = By("sudo", "/usr/bin/sudo",
                      "erin : TTY=pts/7 ; PWD=/srv ; USER=root ; "
                      "COMMAND=/usr/bin/uptime");
  const auto ended = By("sudo", "/usr/bin/sudo",
                        "erin : TTY=pts/7 ; PWD=/srv ; USER=root ; "
                        "COMMAND=/usr/bin/uptime ; EXIT=3");
  EXPECT_THAT(Sums({{0, 1, ran}, {900, 1, ended}}),
              ElementsAre("login root  1"));
  EXPECT_THAT(Sums({{0, 1, ended}}), ElementsAre("login root  1"))
      << "an argument may look like that";
  EXPECT_THAT(Sums({{0, 1, ran}, {9, 1, ran}}),
              ElementsAre("login root  1", "login root  1"));
}

// sshd may add its verdict to what PAM said of a try.
TEST(EventSums, WhatPamAndSshdSayOfOneTryIsOneFailure) {
  const auto pam =
      Sshd("error: PAM: Authentication failure for erin from 192.0.2.71");
  const auto sshd = Sshd(
      "Failed keyboard-interactive/pam for erin from 192.0.2.71 port 5 ssh2");
  const auto times = [](int count) {
    return fmt::format("login_failed erin keyboard-interactive/pam {}", count);
  };
  EXPECT_THAT(Sums({{0, 1, pam}, {3, 1, pam}, {6, 1, pam}, {6, 1, sshd}}),
              ElementsAre(times(3)));
  EXPECT_THAT(Sums({{0, 1, pam}, {0, 1, sshd}, {2, 1, pam}, {2, 1, sshd}}),
              ElementsAre(times(2)));
  EXPECT_THAT(Sums({{0, 1, pam}, {0, 2, sshd}, {60, 1, sshd}}),
              ElementsAre(times(3)))
      << "of another process, and of a later try";
}

TEST(EventSums, WhatAProcessSaysTwiceInABreathIsOneChange) {
  const auto pam = By("passwd", "/usr/bin/passwd",
                      "pam_unix(passwd:chauthtok): password changed for bob");
  const auto own = By("passwd", "/usr/bin/passwd",
                      "password for 'bob' changed by 'root'");
  EXPECT_THAT(Sums({{0, 1, pam}, {0, 1, own}, {0, 2, own}, {9, 2, own}}),
              ElementsAre("account bob  1", "account bob  1", "account bob  1"));
  EXPECT_THAT(Sums({}), IsEmpty());
}

}  // namespace
}  // namespace metsuke
