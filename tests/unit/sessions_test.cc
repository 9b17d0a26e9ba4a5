#include "controller/sessions.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace metsuke {
namespace {

using ::testing::ElementsAre;

v1::Event Event(int64_t time, const std::string& kind, const std::string& session,
                const std::string& account = "alice") {
  v1::Event event;
  event.set_time(time);
  event.set_kind(kind);
  event.set_session(session);
  event.set_account(account);
  return event;
}

std::vector<std::string> Joined(const std::vector<v1::Event>& events,
                                int64_t booted = 0) {
  SessionJoin join;
  for (const v1::Event& event : events) join.Add(event);
  std::vector<std::string> lines;
  for (const v1::HostSession& session : join.Take(booted))
    lines.push_back(fmt::format("{} {}-{} {}{}", session.account(),
                                session.began(), session.ended(), session.end(),
                                session.root() ? " root" : ""));
  return lines;
}

TEST(Sessions, LastFromLoginToLogout) {
  EXPECT_THAT(Joined({Event(10, "login", "b-1"), Event(11, "login", "b-2", "root"),
                      Event(12, "account", "b-1"), Event(20, "logout", "b-1"),
                      Event(30, "logout", "b-2", "root")}),
              ElementsAre("alice 10-20 ended", "root 11-30 ended root"));
}

TEST(Sessions, WithoutALogoutAreOpenUntilTheHostIsBooted) {
  EXPECT_THAT(Joined({Event(10, "login", "b-1"), Event(60, "login", "c-1")}, 50),
              ElementsAre("alice 10-0 boot", "alice 60-0 open"));
}

TEST(Sessions, WhoseProcessNumberAnotherHasAreOver) {
  EXPECT_THAT(Joined({Event(10, "login", "b-1"), Event(30, "login", "b-1", "bob")}),
              ElementsAre("alice 10-0 unknown", "bob 30-0 open"));
  // A boot is known by its id, too: clocks may be wrong.
  EXPECT_THAT(Joined({Event(10, "login", "b-1"), Event(11, "login", "c-1", "bob")}),
              ElementsAre("alice 10-0 boot", "bob 11-0 open"));
}

TEST(Sessions, WithoutALoginBeganBeforeTheRecordsDo) {
  EXPECT_THAT(Joined({Event(15, "logout", "b-1"), Event(16, "login", "b-2")}),
              ElementsAre("alice 0-15 ended", "alice 16-0 open"));
}

TEST(Sessions, OfAProcessNumberThatIsUsedAgainAreTwo) {
  EXPECT_THAT(Joined({Event(10, "login", "b-1"), Event(20, "logout", "b-1"),
                      Event(30, "login", "b-1", "bob"), Event(40, "logout", "b-1", "bob")}),
              ElementsAre("alice 10-20 ended", "bob 30-40 ended"));
}

v1::Event Of(v1::Event event, const std::string& service,
             const std::string& source) {
  event.set_service(service);
  event.set_source(source);
  return event;
}

TEST(Sessions, ThatTwoRecordersTellAreOne) {
  SessionJoin join;
  v1::Event audit = Of(Event(10, "login", "b-1", "root"), "sudo", "audit");
  audit.set_login_account("alice");
  join.Add(audit);
  join.Add(Of(Event(10, "login", "b-1", "root"), "sudo", "user"));
  join.Add(Of(Event(14, "logout", "b-1", "root"), "sudo", "user"));
  join.Add(Of(Event(15, "logout", "b-1", "root"), "sudo", "audit"));
  // Also where the weaker is first.
  join.Add(Of(Event(20, "login", "b-2", "root"), "su", "user"));
  audit = Of(Event(21, "login", "b-2", "root"), "su", "audit");
  audit.set_login_account("bob");
  join.Add(audit);
  const auto sessions = join.Take(0);
  ASSERT_EQ(sessions.size(), 2u);
  EXPECT_EQ(sessions[0].source(), "audit");
  EXPECT_EQ(sessions[0].login_account(), "alice");
  EXPECT_EQ(sessions[0].end(), "ended");
  EXPECT_EQ(sessions[1].source(), "audit");
  EXPECT_EQ(sessions[1].login_account(), "bob");
  EXPECT_EQ(sessions[1].end(), "open");
}

// What a user's process writes to the journal, at any moment.
TEST(Sessions, OfAuditAreNotChangedByAUsersWord) {
  SessionJoin join;
  v1::Event forged = Of(Event(10, "login", "b-1", "root"), "sudo", "user");
  forged.set_detail("/usr/bin/true");
  join.Add(forged);
  v1::Event audit = Of(Event(11, "login", "b-1", "root"), "sudo", "audit");
  audit.set_detail("/bin/bash");
  audit.set_login_account("alice");
  join.Add(audit);
  join.Add(Of(Event(12, "logout", "b-1", "root"), "sudo", "user"));
  join.Add(Of(Event(90, "login", "b-1", ""), "sudo", "user"));
  join.Add(Of(Event(500, "logout", "b-1", "root"), "sudo", "audit"));
  const auto sessions = join.Take(0);
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_EQ(sessions[0].detail(), "/bin/bash");
  EXPECT_EQ(sessions[0].login_account(), "alice");
  EXPECT_EQ(sessions[0].began(), 11);
  EXPECT_EQ(sessions[0].ended(), 500);
}

TEST(Sessions, WhoseLoginNobodyToldEndOnce) {
  SessionJoin join;
  join.Add(Of(Event(15, "logout", "b-1", "root"), "sudo", "user"));
  join.Add(Of(Event(15, "logout", "b-1", "root"), "sudo", "audit"));
  EXPECT_EQ(join.Take(0).size(), 1u);
}

TEST(Sessions, OfOneRecorderThatFollowAtOnceAreTwo) {
  EXPECT_THAT(Joined({Event(10, "login", "b-1"), Event(11, "login", "b-1")}),
              ElementsAre("alice 10-0 unknown", "alice 11-0 open"));
}

}  // namespace
}  // namespace metsuke
