#include "controller/rounds.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "controller/store/body.h"
#include "controller/store/sqlite.h"
#include "proto/canonical.h"
#include "tests/unit/host_folder.h"

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kDay = 86400;

template <typename Fill>
TableBody Body(const char* table, const Fill& fill) {
  v1::Snapshot rows;
  fill(rows);
  return MakeBody(table, CanonicalTable(rows, TableField(table)));
}

class RoundsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = OpenSqliteStore(folder_.path().string());
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    knocker_ = std::make_unique<Knocker>(
        *store_, [this](const ProbeTarget& target) { return Run(target); });
  }

  // A host at 192.0.2.`number` whose SSH servers listen on `ports` says so at
  // `now`, from `spoken`.
  void Report(int number, const std::vector<uint32_t>& ports, int64_t now,
              const std::string& spoken = "") {
    HostUpdate update{.host = Id(number), .stream = "s", .now = now};
    update.seq = static_cast<uint64_t>(now);
    update.bodies = {
        Body("interfaces",
             [&](v1::Snapshot& rows) {
               auto& row = *rows.add_interfaces();
               row.set_address(fmt::format("192.0.2.{}/24", number));
               row.set_family("ipv4");
               row.set_scope("global");
               row.set_up(true);
             }),
        Body("ssh_endpoints", [&](v1::Snapshot& rows) {
          for (const uint32_t port : ports)
            rows.add_ssh_endpoints()->set_listener(fmt::format("*:{}", port));
        })};
    update.state.emplace().set_taken(now);
    for (const TableBody& body : update.bodies) {
      auto& table = *update.state->add_tables();
      table.set_table(body.table);
      table.set_digest(body.digest);
    }
    store_->Connect({Id(number), "s", "1", now, spoken}, [](const auto&) {});
    std::promise<absl::Status> stored;
    store_->Commit(
        update, [&](const absl::Status& status) { stored.set_value(status); });
    const absl::Status status = stored.get_future().get();
    ASSERT_TRUE(status.ok()) << status;
  }

  static std::string Id(int number) {
    return fmt::format("00000000-0000-4000-8000-{:012}", number);
  }

  absl::StatusOr<v1::Snapshot> Run(const ProbeTarget& target) {
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(fmt::format("{}:{}", target.address, target.port));
      EXPECT_TRUE(busy_.insert(target.address).second) << target.address;
    }
    if (while_asking_) while_asking_();
    const std::lock_guard lock(mutex_);
    busy_.erase(target.address);
    if (target.port == kFails) return absl::InternalError("no such program");
    v1::Snapshot rows;
    auto& row = *rows.add_ssh_endpoints();
    row.set_listener(target.listener);
    row.set_outcome(target.port == kFailed ? "failed" : "answered");
    row.set_message(target.port == kFailed ? "socket: too many" : "");
    return rows;
  }

  absl::Status Knock(const FleetHost& host, const TableDigests& tables,
                     int64_t now) {
    auto visit = knocker_->Plan(host, tables);
    if (!visit.ok()) return visit.status();
    return knocker_->Knock(*std::move(visit), now).status();
  }

  // Where a round at `now` knocked.
  std::vector<std::string> Round(int64_t now) {
    asked_.clear();
    status_ = GoRound(
        *store_, *knocker_, [now] { return now; }, stop_.get_token());
    std::sort(asked_.begin(), asked_.end());
    return asked_;
  }

  // Outcomes and gaps that are part of the host's state.
  std::vector<std::string> Outcomes(int number) {
    const auto fleet = store_->ReadFleet({"", Id(number)}, 0);
    const auto& tables = fleet->states.at(fleet->hosts.at(0).state)->tables;
    std::vector<std::string> outcomes;
    v1::Snapshot rows;
    const auto found = tables.find("ssh_endpoints_outside");
    if (found == tables.end()) return {"unseen"};
    rows.ParseFromString(*store_->Body(found->second));
    for (const auto& row : rows.ssh_endpoints_outside())
      outcomes.push_back(row.listener() + " " + row.outcome());
    rows.ParseFromString(*store_->Body(tables.at("gaps_outside")));
    for (const auto& gap : rows.gaps_outside())
      outcomes.push_back(gap.subject() + " " + gap.reason());
    return outcomes;
  }

  static constexpr uint32_t kFails = 666, kFailed = 667;

  const HostFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Knocker> knocker_;
  absl::Status status_;
  std::stop_source stop_;
  std::function<void()> while_asking_;
  std::mutex mutex_;
  std::vector<std::string> asked_;
  std::set<std::string> busy_;
};

TEST_F(RoundsTest, KnockAtEachHostOnceADay) {
  Report(1, {22, 2022}, 100);
  Report(2, {22}, 100);
  EXPECT_THAT(Outcomes(1), ElementsAre("unseen"));
  EXPECT_THAT(Round(200),
              ElementsAre("192.0.2.1:2022", "192.0.2.1:22", "192.0.2.2:22"));
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_THAT(Outcomes(1),
              UnorderedElementsAre("*:22 answered", "*:2022 answered"));
  EXPECT_THAT(Round(800), IsEmpty());
  Report(1, {22, 2022}, 200 + kDay - 1);
  EXPECT_THAT(Round(200 + kDay - 1), IsEmpty());
  Report(1, {22, 2022}, 200 + kDay);
  // The other has been silent for a day.
  EXPECT_THAT(Round(200 + kDay), ElementsAre("192.0.2.1:2022", "192.0.2.1:22"));
  EXPECT_EQ(store_->FindHost(Id(1))->last_knock(), 200 + kDay);
}

TEST_F(RoundsTest, KnockSoonerWhereSomethingChanged) {
  Report(1, {22}, 100);
  Report(2, {22}, 100);
  Round(200);
  Report(1, {22, 2022}, 300);
  // One that changes all the time is not asked all the time.
  EXPECT_THAT(Round(200 + 3599), IsEmpty());
  EXPECT_THAT(Round(200 + 3600), ElementsAre("192.0.2.1:2022", "192.0.2.1:22"));
  EXPECT_THAT(Round(200 + 7200), IsEmpty());
  Report(1, {}, 8000);
  EXPECT_THAT(Round(9000), IsEmpty());  // there is nothing to knock at
  EXPECT_THAT(Outcomes(1), IsEmpty());
}

TEST_F(RoundsTest, KnockWhereTheAgentSpeaksFromOrAnOperatorSays) {
  Report(1, {22}, 100);
  auto fleet = store_->ReadFleet({"", Id(1)}, 0);
  FleetHost host = fleet->hosts.at(0);
  host.knock_address = "203.0.113.9";
  const auto& tables = fleet->states.at(0)->tables;
  ASSERT_TRUE(Knock(host, tables, 200).ok());
  Report(1, {22}, kDay);
  EXPECT_THAT(Round(kDay + 300), ElementsAre("203.0.113.9:22"));
  host.knock_address = "";
  ASSERT_TRUE(Knock(host, tables, kDay + 400).ok());
  Report(1, {22}, 2 * kDay, "192.0.2.1");
  EXPECT_EQ(store_->FindHost(Id(1))->address(), "192.0.2.1");
  EXPECT_THAT(Round(2 * kDay + 500), ElementsAre("192.0.2.1:22"));
}

TEST_F(RoundsTest, SayWhatIsNotAskedAndDoNotAskAgainForThat) {
  Report(1, {1, 2, kFails, kFailed, 700}, 100);
  EXPECT_EQ(Round(200).size(), 4u);
  EXPECT_THAT(
      Outcomes(1),
      UnorderedElementsAre("*:1 answered", "*:2 answered", "*:667 failed",
                           "*:666 no such program", "*:667 socket: too many",
                           "*:700 4 other servers are asked"));
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_THAT(Round(8000), IsEmpty());
}

TEST_F(RoundsTest, AClockThatWasAheadPutsNothingOff) {
  Report(1, {22}, 100);
  Report(1, {22}, 300 * kDay);
  EXPECT_EQ(Round(300 * kDay).size(), 1u);
  EXPECT_THAT(Round(200), ElementsAre("192.0.2.1:22"));
  EXPECT_THAT(Round(300), IsEmpty());
}

TEST_F(RoundsTest, AskOneServerAtATimeWhereHostsShareAnAddress) {
  for (int number = 1; number <= 4; ++number) Report(number, {22}, 100);
  const auto fleet = store_->ReadFleet({}, 0);
  while_asking_ = [] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  };
  std::vector<std::thread> threads;
  for (const FleetHost& host : fleet->hosts)
    threads.emplace_back([&, host = host]() mutable {
      host.knock_address = "203.0.113.9";
      EXPECT_TRUE(
          Knock(host, fleet->states.at(host.state)->tables, 200).ok());
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(asked_.size(), 4u);  // Run has seen that none were at once
}

// Otherwise a few hosts that share an address and are silent hold up the rest.
TEST_F(RoundsTest, AskSomeHostsOfOneAddressAndTheOthersTheNextTime) {
  for (int number = 1; number <= 45; ++number) Report(number, {22}, 100);
  Report(99, {22}, 100);
  Report(98, {}, 100);  // has no place
  Report(97, {}, 100);
  const auto fleet = store_->ReadFleet({}, 0);
  for (FleetHost host : fleet->hosts) {
    if (host.entry.id() >= Id(97)) continue;
    host.knock_address = "203.0.113.9";
    ASSERT_TRUE(
        Knock(host, fleet->states.at(host.state)->tables, 200).ok());
  }
  const int64_t next = 200 + kDay;
  for (int number = 1; number <= 45; ++number) Report(number, {22}, next);
  Report(99, {22}, next);
  const auto asked = [&](int64_t now) {
    const std::vector<std::string> places = Round(now);
    return std::pair(std::ranges::count(places, "203.0.113.9:22"),
                     std::ranges::count(places, "192.0.2.99:22"));
  };
  EXPECT_EQ(asked(next), std::pair(20L, 1L));
  EXPECT_EQ(asked(next + 1), std::pair(20L, 0L));
  EXPECT_EQ(asked(next + 2), std::pair(5L, 0L));
  EXPECT_EQ(asked(next + 3), std::pair(0L, 0L));
}

TEST_F(RoundsTest, KeepCountOfWhatAHostMayMind) {
  Report(1, {22}, 100);
  Report(2, {22, 2022, 2222}, 100);
  const auto fleet = store_->ReadFleet({}, 0);
  const auto reserve = [&](int number, int64_t now, bool anyway = false) {
    const FleetHost& host = fleet->hosts.at(number - 1);
    const auto visit =
        knocker_->Plan(host, fleet->states.at(host.state)->tables);
    return visit.ok() ? knocker_->Reserve(*visit, now, anyway) : -1;
  };
  for (const int64_t now : {1000, 1010, 1020, 1030})
    EXPECT_EQ(reserve(1, now), 0) << now;
  EXPECT_EQ(reserve(1, 1040), 560);
  EXPECT_EQ(reserve(1, 1040, true), 0);  // an operator insists
  EXPECT_EQ(reserve(1, 1050), 560);
  EXPECT_THAT(Round(1050), ElementsAre("192.0.2.2:2022", "192.0.2.2:22",
                                       "192.0.2.2:2222"));
  EXPECT_EQ(reserve(2, 1060), 590);
  EXPECT_EQ(reserve(1, 1609), 1);
  EXPECT_EQ(reserve(1, 1610), 0);
  EXPECT_EQ(reserve(2, 900), 0) << "a clock that was ahead";
}

TEST_F(RoundsTest, EndBetweenTwoServersWhenAskedTo) {
  Report(1, {22, 2022}, 100);
  while_asking_ = [this] { stop_.request_stop(); };
  EXPECT_EQ(Round(200).size(), 1u);
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_THAT(Outcomes(1), ElementsAre("unseen"));
}

TEST_F(RoundsTest, ComeAgainAndAgain) {
  const int64_t now = std::time(nullptr);
  Report(1, {22}, now);
  Report(2, {}, now);
  ASSERT_TRUE(store_
                  ->Observe({.host = Id(2),
                             .now = now - 4 * kDay,
                             .bodies = {Body("ssh_endpoints_outside",
                                             [](v1::Snapshot&) {})}})
                  .ok());
  const auto state_of = [&](int number) {
    const auto fleet = store_->ReadFleet({"", Id(number)}, 0);
    return fleet->states.at(fleet->hosts.at(0).state)
        ->tables.contains("ssh_endpoints_outside");
  };
  {
    const Rounds rounds(*store_, *knocker_, false,
                        std::chrono::milliseconds(5));
    for (int i = 0; i < 2000 && state_of(2); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_FALSE(state_of(2));
    EXPECT_FALSE(state_of(1));
    EXPECT_THAT(asked_, IsEmpty());
  }
  const Rounds rounds(*store_, *knocker_, true, std::chrono::milliseconds(5));
  for (int i = 0; i < 2000 && !(state_of(1) && state_of(2)); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(state_of(1));
  EXPECT_TRUE(state_of(2));
}

TEST_F(RoundsTest, EndAtOnce) {
  const auto began = std::chrono::steady_clock::now();
  { const Rounds rounds(*store_, *knocker_, true); }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
}

}  // namespace
}  // namespace metsuke
