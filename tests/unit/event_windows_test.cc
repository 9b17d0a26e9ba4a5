#include "controller/event_windows.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace metsuke {
namespace {

using ::testing::ElementsAre;

// A multiple of ten minutes.
constexpr int64_t kStart = 1'795'369'800;

v1::Event Failure(int64_t second, uint64_t count, const std::string& from,
                  const std::string& account = "root",
                  const std::string& method = "password") {
  v1::Event event;
  event.set_kind("login_failed");
  event.set_service("ssh");
  event.set_time(kStart + second);
  event.set_count(count);
  event.set_from(from);
  event.set_account(account);
  event.set_method(method);
  event.set_source("journal");
  return event;
}

v1::Event Other(int64_t second, const std::string& kind) {
  v1::Event event;
  event.set_kind(kind);
  event.set_time(kStart + second);
  event.set_account("root");
  event.set_count(1);
  event.set_source("journal");
  return event;
}

v1::Event From(v1::Event event, const std::string& source) {
  event.set_source(source);
  return event;
}

// As "SECOND KIND ACCOUNT COUNT SOURCE".
std::vector<std::string> Summed(const std::vector<v1::Event>& events) {
  std::vector<std::string> lines;
  EventWindows windows([&](const v1::Event& event) {
    lines.push_back(fmt::format("{} {} {} {} {}", event.time() - kStart,
                                event.kind(), event.account(), event.count(),
                                event.source()));
    return true;
  });
  for (const v1::Event& event : events) EXPECT_TRUE(windows.Add(event));
  EXPECT_TRUE(windows.Finish());
  return lines;
}

TEST(EventWindows, MakeOneOfWhatSeveralLooksRead) {
  EXPECT_THAT(
      Summed({Failure(1, 1, "192.0.2.1"), Failure(11, 2, "192.0.2.1"),
              Failure(599, 4, "192.0.2.1"), Failure(600, 8, "192.0.2.1")}),
      ElementsAre("1 login_failed root 7 journal",
                  "600 login_failed root 8 journal"));
}

TEST(EventWindows, TellApartWhatDiffers) {
  EXPECT_THAT(Summed({Failure(1, 1, "192.0.2.1"), Failure(2, 1, "192.0.2.2"),
                      Failure(3, 1, "192.0.2.1", "alice"),
                      Failure(4, 1, "192.0.2.1", "root", "publickey"),
                      Failure(5, 1, "192.0.2.1")}),
              ElementsAre("1 login_failed root 2 journal",
                          "2 login_failed root 1 journal",
                          "3 login_failed alice 1 journal",
                          "4 login_failed root 1 journal"));
}

TEST(EventWindows, KeepAllOthersAndTheirOrder) {
  EXPECT_THAT(
      Summed({Other(1, "login"), Failure(2, 1, "192.0.2.1"), Other(3, "login"),
              Failure(4, 1, "192.0.2.1"), Other(5, "account"),
              Other(5, "account")}),
      ElementsAre("1 login root 1 journal", "2 login_failed root 2 journal",
                  "3 login root 1 journal", "5 account root 1 journal",
                  "5 account root 1 journal"));
}

// sudo's refusal stands in the journal and in the log of auditd.
TEST(EventWindows, DoNotAddWhatTwoRecordersTell) {
  EXPECT_THAT(
      Summed({From(Failure(1, 3, ""), "user"), From(Failure(1, 3, ""), "audit"),
              From(Failure(20, 1, ""), "audit")}),
      ElementsAre("1 login_failed root 3 user", "1 login_failed root 4 audit"));
}

TEST(EventWindows, AreWorthTheirWeakestPartAndDoNotOverflow) {
  const uint64_t most = std::numeric_limits<uint64_t>::max();
  EXPECT_THAT(
      Summed({From(Failure(1, most - 1, ""), "user"), Failure(2, 5, "")}),
      ElementsAre(fmt::format("1 login_failed root {} user", most)));
  EXPECT_THAT(Summed({Failure(1, 1, ""), From(Failure(2, 1, ""), "root")}),
              ElementsAre("1 login_failed root 2 root"));
}

TEST(EventWindows, LoseNothingOfAHostThatTellsVeryMuch) {
  std::vector<v1::Event> events;
  for (int i = 0; i < 45'000; ++i) events.push_back(Other(i / 1000, "login"));
  events.push_back(Failure(50, 3, "192.0.2.1"));
  EXPECT_EQ(Summed(events).size(), events.size());
}

TEST(EventWindows, EndWhenNoMoreAreWanted) {
  int taken = 0;
  EventWindows windows([&](const v1::Event&) { return ++taken < 2; });
  EXPECT_TRUE(windows.Add(Other(1, "login")));
  EXPECT_TRUE(windows.Add(Other(2, "login")));
  EXPECT_TRUE(windows.Add(Other(3, "login")));
  EXPECT_FALSE(windows.Add(Other(700, "login")));
  EXPECT_EQ(taken, 2);
}

}  // namespace
}  // namespace metsuke
