#include "controller/rounds.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <mutex>

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
  }

  // A host at 192.0.2.`number` whose SSH servers listen on `ports` says so at
  // `now`.
  void Report(int number, const std::vector<uint32_t>& ports, int64_t now) {
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
    store_->Connect({Id(number), "s", "1", now}, [](const auto&) {});
    std::promise<absl::Status> stored;
    store_->Commit(
        update, [&](const absl::Status& status) { stored.set_value(status); });
    const absl::Status status = stored.get_future().get();
    ASSERT_TRUE(status.ok()) << status;
  }

  static std::string Id(int number) {
    return fmt::format("00000000-0000-4000-8000-{:012}", number);
  }

  // Where a round at `now` knocked.
  std::vector<std::string> Round(int64_t now,
                                 const std::stop_token& stop = {}) {
    std::mutex mutex;
    std::vector<std::string> asked;
    Knocker knocker(
        *store_,
        [&](const ProbeTarget& target) -> absl::StatusOr<v1::Snapshot> {
          const std::lock_guard lock(mutex);
          asked.push_back(fmt::format("{}:{}", target.address, target.port));
          if (target.address == fails_)
            return absl::InternalError("no such program");
          v1::Snapshot rows;
          auto& row = *rows.add_ssh_endpoints();
          row.set_listener(target.listener);
          row.set_outcome("answered");
          return rows;
        });
    status_ = GoRound(
        *store_, knocker, [now] { return now; }, stop);
    std::sort(asked.begin(), asked.end());
    return asked;
  }

  // Outcomes that are part of the host's state.
  std::vector<std::string> Outcomes(int number) {
    const auto fleet = store_->ReadFleet({"", Id(number)}, 0);
    const auto& tables = fleet->states.at(fleet->hosts.at(0).state).tables;
    std::vector<std::string> outcomes;
    v1::Snapshot rows;
    const auto found = tables.find("ssh_endpoints_outside");
    if (found == tables.end()) return {"unseen"};
    rows.ParseFromString(*store_->Body(found->second));
    for (const auto& row : rows.ssh_endpoints_outside())
      outcomes.push_back(row.listener() + " " + row.outcome());
    return outcomes;
  }

  const HostFolder folder_;
  std::unique_ptr<Store> store_;
  std::string fails_;
  absl::Status status_;
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

TEST_F(RoundsTest, KnockSoonerWhereServersCameOrWent) {
  Report(1, {22}, 100);
  Report(2, {22}, 100);
  Round(200);
  Report(1, {22, 2022}, 300);
  EXPECT_THAT(Round(400), ElementsAre("192.0.2.1:2022", "192.0.2.1:22"));
  EXPECT_THAT(Round(500), IsEmpty());
  Report(1, {}, 600);
  EXPECT_THAT(Round(700), IsEmpty());  // there is nothing to knock at
  EXPECT_THAT(Outcomes(1), IsEmpty());
}

TEST_F(RoundsTest, SayWhatIsNotAsked) {
  Report(1, {1, 2, 3, 4, 5}, 100);
  EXPECT_EQ(Round(200).size(), 4u);
  EXPECT_THAT(Outcomes(1), UnorderedElementsAre("*:1 answered", "*:2 answered",
                                                "*:3 answered", "*:4 answered",
                                                "*:5 not_asked"));
  EXPECT_THAT(Round(300), IsEmpty());
}

TEST_F(RoundsTest, AskTheOthersWhereOneCannotBeAsked) {
  Report(1, {22}, 100);
  Report(2, {22}, 100);
  fails_ = "192.0.2.1";
  EXPECT_EQ(Round(200).size(), 2u);
  EXPECT_EQ(status_.message(), "host " + Id(1) + ": no such program");
  EXPECT_THAT(Outcomes(1), ElementsAre("unseen"));
  EXPECT_THAT(Outcomes(2), ElementsAre("*:22 answered"));
  EXPECT_THAT(Round(300), ElementsAre("192.0.2.1:22"));
}

TEST_F(RoundsTest, EndWhereTheyAreWhenAskedTo) {
  Report(1, {22}, 100);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(Round(200, stop.get_token()), IsEmpty());
  EXPECT_THAT(Outcomes(1), ElementsAre("unseen"));
}

TEST_F(RoundsTest, EndAtOnce) {
  const auto began = std::chrono::steady_clock::now();
  { const Rounds rounds(*store_, true); }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
}

}  // namespace
}  // namespace metsuke
