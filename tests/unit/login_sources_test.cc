#include "controller/login_sources.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400, kNow = 100 * kDay;

v1::Event Login(const std::string& service, int64_t day, int number) {
  v1::Event event;
  event.set_kind("login");
  event.set_service(service);
  event.set_account("alice");
  event.set_from(fmt::format("192.0.2.{}", number));
  event.set_time(day * kDay + 3);
  return event;
}

TEST(LoginSources, AreOfLoginsOverSshOfThirtyDays) {
  LoginSources logins(kNow);
  EXPECT_EQ(logins.since(), 70 * kDay);
  logins.Add(Login("ssh", 70, 1));
  logins.Add(Login("ssh", 69, 2));
  logins.Add(Login("su", 99, 3));
  v1::Event failed = Login("ssh", 99, 4);
  failed.set_kind("login_failed");
  logins.Add(failed);
  ASSERT_EQ(logins.Table().login_sources_size(), 1);
  EXPECT_EQ(logins.Table().login_sources(0).from(), "192.0.2.1");
  v1::Event local = Login("ssh", 99, 1);
  local.set_from("fe80::1%eth0");
  LoginSources zone(kNow);
  zone.Add(local);
  EXPECT_EQ(zone.Table().login_sources(0).from(), "fe80::1");
  // Read back a day later, it is too old.
  LoginSources later(kNow + kDay);
  later.Add(logins.Table());
  EXPECT_EQ(later.Table().login_sources_size(), 0);
}

TEST(LoginSources, OfTooManyThoseThatWereUsedLast) {
  LoginSources logins(kNow);
  for (int i = 0; i < 1100; ++i) logins.Add(Login("ssh", i < 200 ? 80 : 90, i));
  const v1::Snapshot table = logins.Table();
  ASSERT_EQ(table.login_sources_size(), 1001);
  EXPECT_EQ(table.login_sources(899).last(), 90 * kDay);
  EXPECT_EQ(table.login_sources(1000).account(), "*");
  EXPECT_EQ(table.login_sources(1000).from(), "*");
  EXPECT_EQ(table.login_sources(1000).last(), 80 * kDay);
  // Read back, it is the same, and others stay others.
  LoginSources again(kNow);
  again.Add(table);
  EXPECT_EQ(again.Table().SerializeAsString(), table.SerializeAsString());
  again.Add(Login("ssh", 99, 5000));
  EXPECT_EQ(again.Table().login_sources_size(), 1001);
}

}  // namespace
}  // namespace metsuke
