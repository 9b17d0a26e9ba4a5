#include "proto/journal_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "own_journal.h"
#include "proto/log.h"
#include "proto/message_ids.h"

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr char kLine[] = "<3>metsuke: nothing was stored: disk full\n";

void Tell() {
  LogNotice({kNothingStored}, Priority::kError,
            "nothing was stored: disk full");
}

class JournalRecord : public testing::Test {
 protected:
  void SetUp() override { testing::internal::CaptureStderr(); }
  // What was written to standard error.
  std::string Said() {
    captured_ = false;
    return testing::internal::GetCapturedStderr();
  }
  void TearDown() override {
    if (captured_) Said();
  }

 private:
  bool captured_ = true;
};

TEST_F(JournalRecord, HasItsIdAndTheHostItIsAbout) {
  OwnJournal journal;
  ASSERT_TRUE(journal.ok()) << strerror(errno) << "; it takes root";
  LogNotice({kHostLostRecords, "4f1d"}, Priority::kWarning, "lost\nMORE=1");
  Tell();
  EXPECT_THAT(
      journal.Take(),
      ElementsAre(
          UnorderedElementsAre(Pair("MESSAGE", "lost MORE=1"),
                               Pair("PRIORITY", "4"),
                               Pair("SYSLOG_IDENTIFIER", "metsuke"),
                               Pair("MESSAGE_ID", kHostLostRecords),
                               Pair("METSUKE_HOST", "4f1d")),
          UnorderedElementsAre(Pair("MESSAGE", "nothing was stored: disk full"),
                               Pair("PRIORITY", "3"),
                               Pair("SYSLOG_IDENTIFIER", "metsuke"),
                               Pair("MESSAGE_ID", kNothingStored))));
  EXPECT_EQ(Said(), "");
}

TEST_F(JournalRecord, IsALineWhereStandardErrorIsNotTheJournals) {
  OwnJournal journal;
  ASSERT_TRUE(journal.ok()) << strerror(errno) << "; it takes root";
  setenv("JOURNAL_STREAM", "1:1", 1);
  Tell();
  unsetenv("JOURNAL_STREAM");
  Tell();
  EXPECT_THAT(journal.Take(), IsEmpty());
  EXPECT_EQ(Said(), std::string(kLine) + kLine);
}

TEST_F(JournalRecord, IsALineWhenNobodyListens) {
  OwnJournal journal;
  ASSERT_TRUE(journal.ok()) << strerror(errno) << "; it takes root";
  ASSERT_EQ(unlink("/run/systemd/journal/socket"), 0);
  Tell();
  EXPECT_EQ(Said(), kLine);
}

TEST_F(JournalRecord, IsALineWhenItIsTooLargeForOneDatagram) {
  OwnJournal journal;
  ASSERT_TRUE(journal.ok()) << strerror(errno) << "; it takes root";
  LogNotice({kNothingStored}, Priority::kError, std::string(8 << 20, 'x'));
  EXPECT_THAT(journal.Take(), IsEmpty());
  EXPECT_EQ(Said().size(), std::string("<3>metsuke: \n").size() + (8 << 20));
}

// A journal that has stopped must not stop whoever has something to say.
TEST_F(JournalRecord, IsALineWhenTheJournalDoesNotKeepUp) {
  OwnJournal journal;
  ASSERT_TRUE(journal.ok()) << strerror(errno) << "; it takes root";
  size_t sent = 0;
  while (sent < 100'000 && SendToJournal({{"MESSAGE", "x"}})) ++sent;
  ASSERT_LT(sent, 100'000u);
  Tell();
  EXPECT_EQ(Said(), kLine);
  EXPECT_EQ(journal.Take().size(), sent);
}

}  // namespace
}  // namespace metsuke
