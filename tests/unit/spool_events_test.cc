#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/filesystem/operations.hpp>
#include <fstream>

#include "agent/heard.h"
#include "agent/spool.h"
#include "proto/canonical.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::Events Happened(const std::string& account) {
  v1::Events events;
  events.add_events()->set_account(account);
  return events;
}

class SpoolEvents : public testing::Test {
 protected:
  SpoolEvents() { Open(); }
  ~SpoolEvents() override {
    spool_.reset();
    fs::remove_all(folder_);
  }

  void Open(uint64_t cap = kDefaultSpoolBytes) {
    spool_.reset();
    auto spool = Spool::Open(folder_, cap, 1000);
    ASSERT_TRUE(spool.ok()) << spool.status();
    spool_ = *std::move(spool);
  }

  // Appends a state with a table of these bytes.
  void AddState(const std::string& bytes) {
    v1::State state;
    auto* table = state.add_tables();
    table->set_table("ports");
    table->set_digest(Sha256(bytes));
    const Spool::Table body{table->digest(), bytes};
    ASSERT_TRUE(spool_->Append(state, {&body, 1}, 1000).ok());
  }

  void AddEvents(const std::string& account, const std::string& position) {
    const auto added = spool_->AppendEvents(Happened(account), position, 1000);
    ASSERT_TRUE(added.ok()) << added;
  }

  // What can be sent: "1 state", "2 alice", "3-4 lost".
  std::vector<std::string> Contents() {
    std::vector<std::string> lines;
    uint64_t seq = 0;
    while (const auto record = spool_->Next(seq, 1000)) {
      seq = record->seq();
      std::string line = std::to_string(seq) + " ";
      if (record->has_loss())
        line = std::to_string(record->loss().from()) + "-" + line + "lost";
      else if (record->has_state())
        line += "state";
      else
        line += record->events().events(0).account();
      lines.push_back(line);
    }
    return lines;
  }

  std::string Current() const {
    return spool_->current() ? Hex(spool_->current()->tables(0).digest()) : "none";
  }

  const fs::path folder_ =
      fs::temp_directory_path() / fs::unique_path("spool-%%%%%%%%");
  std::unique_ptr<Spool> spool_;
};

TEST_F(SpoolEvents, StandBetweenStatesAndSurviveARestart) {
  AddState("a");
  AddEvents("alice", "position 1");
  AddState("b");
  AddEvents("bob", "position 2");
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Contents(), ElementsAre("1 state", "2 alice", "3 state", "4 bob"));
    EXPECT_EQ(Current(), Hex(Sha256("b")));
    EXPECT_EQ(spool_->position(), "position 2");
    Open();
  }
}

TEST_F(SpoolEvents, TheLastStateStaysWhenWhatCameAfterItIsFreed) {
  AddState("a");
  AddEvents("alice", "p");
  ASSERT_TRUE(spool_->Free(1).ok());
  EXPECT_EQ(Current(), Hex(Sha256("a")));
  Open();
  EXPECT_EQ(Current(), Hex(Sha256("a")));
  EXPECT_THAT(Contents(), ElementsAre("2 alice"));
  ASSERT_TRUE(spool_->Free(2).ok());
  Open();
  EXPECT_EQ(Current(), Hex(Sha256("a")));
  EXPECT_TRUE(spool_->HasBody(Sha256("a")));
  EXPECT_EQ(spool_->next_seq(), 3u);
  EXPECT_EQ(spool_->position(), "p");
}

TEST_F(SpoolEvents, OnlyTheLossOfTheLastStateForgetsIt) {
  AddState("a");
  AddEvents("alice", "p");
  spool_->Lose(2, "refused", 1000);
  EXPECT_EQ(Current(), Hex(Sha256("a")));
  spool_->Lose(1, "refused", 1000);
  EXPECT_EQ(Current(), "none");
  EXPECT_THAT(Contents(), ElementsAre("1-2 lost"));
}

TEST_F(SpoolEvents, AFullSpoolKeepsTheLastStateAndDeclaresEvents) {
  Open(40 << 10);
  AddState("a");
  for (int i = 0; i < 20; ++i) AddEvents(std::string(4000, 'x'), "p");
  const auto contents = Contents();
  EXPECT_EQ(contents.front(), "1 state");
  EXPECT_THAT(contents[1], HasSubstr("lost"));
  EXPECT_LT(contents.size(), 12u);
  EXPECT_LE(spool_->disk_bytes(), 40u << 10);
  EXPECT_EQ(Current(), Hex(Sha256("a")));
}

TEST_F(SpoolEvents, APositionWithoutEventsIsNotedAndTakesNoRecord) {
  ASSERT_TRUE(spool_->AppendEvents({}, "p", 1000).ok());
  EXPECT_THAT(Contents(), IsEmpty());
  Open();
  EXPECT_EQ(spool_->position(), "p");
  EXPECT_EQ(spool_->next_seq(), 1u);
}

TEST_F(SpoolEvents, ADamagedPositionIsNone) {
  AddEvents("alice", "p");
  std::ofstream((folder_ / "position").string()) << "x";
  Open();
  EXPECT_EQ(spool_->position(), "");
  EXPECT_THAT(Contents(), ElementsAre("1 alice"));
}

TEST_F(SpoolEvents, ANewStreamReadsAgainWhatTheOldOneHadNotSent) {
  AddEvents("alice", "p");
  ASSERT_TRUE(spool_->BeginStream(1000).ok());
  EXPECT_EQ(spool_->position(), "");
  EXPECT_THAT(Contents(), ElementsAre("1-1 lost"));
  Open();
  EXPECT_EQ(spool_->position(), "");
}

TEST_F(SpoolEvents, ThePositionOfAnOldStreamIsNone) {
  AddEvents("alice", "p");
  const fs::path position = folder_ / "position", old = folder_ / "old";
  fs::copy_file(position, old);
  ASSERT_TRUE(spool_->BeginStream(1000).ok());
  fs::remove(position);
  fs::rename(old, position);  // as if the machine had stopped before it was noted
  Open();
  EXPECT_EQ(spool_->position(), "");
}

TEST(Heard, SaysOnceThatNothingCanBeRead) {
  Unread unread;
  const absl::StatusOr<v1::Collected> none = absl::UnavailableError("no socket");
  const std::string before(96, 'b');
  auto heard = TakeHeard(none, before, unread, 1000);
  ASSERT_EQ(heard.events.events_size(), 1);
  EXPECT_EQ(heard.events.events(0).detail(),
            "events cannot be read: metsuke-collect cannot be asked: no socket");
  EXPECT_EQ(heard.events.events(0).id().size(), 16u);
  EXPECT_EQ(heard.position, before);
  EXPECT_EQ(TakeHeard(none, before, unread, 1001).events.events_size(), 0);

  v1::Collected answer;
  answer.mutable_heard()->set_unread("the host keeps no journal");
  heard = TakeHeard(answer, before, unread, 1002);
  ASSERT_EQ(heard.events.events_size(), 1);
  EXPECT_THAT(heard.events.events(0).detail(), HasSubstr("keeps no journal"));

  answer.mutable_heard()->clear_unread();
  answer.mutable_heard()->set_position(std::string(64, 'j'));
  answer.mutable_heard()->set_more(true);
  *answer.mutable_heard()->add_events() = Happened("alice").events(0);
  heard = TakeHeard(answer, before, unread, 1003);
  ASSERT_EQ(heard.events.events_size(), 2);
  EXPECT_EQ(heard.events.events(0).detail(), "events can be read again");
  EXPECT_EQ(heard.position, std::string(64, 'j') + std::string(32, 'b'));
  EXPECT_TRUE(heard.more);
  EXPECT_EQ(TakeHeard(answer, before, unread, 1004).events.events_size(), 1);
}

TEST(Heard, OneRecorderDoesNotKeepTheOtherFromBeingRead) {
  Unread unread;
  v1::Collected answer;
  answer.mutable_heard()->set_unread("the host keeps no journal");
  answer.mutable_audit()->set_position(std::string(32, 'a'));
  *answer.mutable_audit()->add_events() = Happened("alice").events(0);
  auto heard = TakeHeard(answer, std::string(64, 'j'), unread, 1000);
  EXPECT_EQ(heard.events.events_size(), 2);
  EXPECT_EQ(heard.position, std::string(64, 'j') + std::string(32, 'a'));

  answer.mutable_heard()->clear_unread();
  answer.mutable_audit()->Clear();
  answer.mutable_audit()->set_unread("closed to us");
  heard = TakeHeard(answer, heard.position, unread, 1001);
  ASSERT_EQ(heard.events.events_size(), 2);
  EXPECT_EQ(heard.events.events(0).detail(), "events can be read again");
  EXPECT_EQ(heard.events.events(1).detail(),
            "records of audit cannot be read: closed to us");
  EXPECT_EQ(TakeHeard(answer, heard.position, unread, 1002).events.events_size(), 0);
  answer.mutable_audit()->clear_unread();
  heard = TakeHeard(answer, heard.position, unread, 1003);
  ASSERT_EQ(heard.events.events_size(), 1);
  EXPECT_EQ(heard.events.events(0).detail(), "records of audit can be read again");
}

}  // namespace
}  // namespace metsuke
