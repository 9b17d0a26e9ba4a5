#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "agent/backoff.h"
#include "agent/sync.h"

namespace metsuke {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

template <typename M>
M Parse(const std::string& text) {
  M message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

struct Printer {
  std::string operator()(const step::Send& s) {
    google::protobuf::TextFormat::Printer printer;
    printer.SetSingleLineMode(true);
    std::string text;
    printer.PrintToString(s.message, &text);
    text.pop_back();
    return "send " + text;
  }
  std::string operator()(const step::SendRecord& s) {
    return fmt::format("record after {}", s.after);
  }
  std::string operator()(const step::SendBody& s) {
    return fmt::format("body {} of {} for {}", s.digest, s.table, s.seq);
  }
  std::string operator()(const step::Free& s) {
    return fmt::format("free {}", s.seq);
  }
  std::string operator()(const step::Lose& s) {
    return fmt::format("lose {}: {}", s.seq, s.reason);
  }
  std::string operator()(const step::RecordCurrent&) {
    return "record current";
  }
  std::string operator()(const step::BeginStream&) { return "begin stream"; }
  std::string operator()(const step::SetInterval& s) {
    return fmt::format("interval {}", s.seconds);
  }
  std::string operator()(const step::KeepCertificate& s) {
    return "certificate " + s.chain;
  }
  std::string operator()(const step::RenewalRefused& s) {
    return "renewal refused " + s.reason;
  }
  std::string operator()(const step::Note& s) { return "note " + s.text; }
  std::string operator()(const step::Close& s) {
    return fmt::format("close{}: {}", s.soon ? " soon" : "", s.reason);
  }
};

std::vector<std::string> Text(const std::vector<Step>& steps) {
  std::vector<std::string> lines;
  for (const Step& step : steps) lines.push_back(std::visit(Printer(), step));
  return lines;
}

class AgentSyncTest : public testing::Test {
 protected:
  std::vector<std::string> Hear(const std::string& message) {
    return Text(sync_.Received(Parse<v1::ControllerMessage>(message)));
  }
  std::vector<std::string> Give(const std::string& record) {
    return Text(sync_.Give(Parse<v1::Record>(record)));
  }
  // A record with tables "ports" and "groups", digests Pn and Gn.
  std::vector<std::string> GiveState(int seq) {
    return Give(fmt::format(
        "seq: {0} state {{ tables {{ table: 'ports' digest: 'P{0}' }} "
        "tables {{ table: 'groups' digest: 'G{0}' }} }}",
        seq));
  }
  // The spool holds first to next - 1, and the controller said Welcome.
  void Open(uint64_t first, uint64_t next, uint64_t acknowledged) {
    sync_.Connected("S", first, next);
    Hear(fmt::format("welcome {{ acknowledged: {} interval_seconds: 300 }}",
                     acknowledged));
  }
  // Open with records up to `last` under way.
  void OpenAndSend(uint64_t last) {
    Open(1, last + 1, 0);
    for (uint64_t seq = 1; seq <= last; ++seq) GiveState(seq);
  }

  AgentSync sync_{"0.1"};
};

TEST_F(AgentSyncTest, BeginsWithHello) {
  EXPECT_THAT(Text(sync_.Connected("S", 3, 7)),
              ElementsAre("send hello { stream: \"S\" first_seq: 3 next_seq: 7 "
                          "version: \"0.1\" }"));
  EXPECT_FALSE(sync_.open());
}

TEST_F(AgentSyncTest, FreesWhatIsStoredAndSendsTheRestInOrder) {
  sync_.Connected("S", 1, 4);
  EXPECT_THAT(Hear("welcome { acknowledged: 1 interval_seconds: 300 }"),
              ElementsAre("interval 300", "free 1", "record after 1"));
  EXPECT_THAT(Give("seq: 2 state { taken: 5 }"),
              ElementsAre("send record { seq: 2 state { taken: 5 } }",
                          "record after 2"));
  EXPECT_THAT(Give("seq: 3 state { taken: 6 }"),
              ElementsAre("send record { seq: 3 state { taken: 6 } }"));
  EXPECT_THAT(Hear("ack { seq: 3 }"), ElementsAre("free 3"));
  EXPECT_TRUE(sync_.drained());
}

TEST_F(AgentSyncTest, KeepsTheIntervalWithinItsBounds) {
  for (const auto& [asked, kept] :
       {std::pair{0, 30}, {29, 30}, {86401, 86400}, {600, 600}}) {
    sync_.Connected("S", 1, 1);
    EXPECT_THAT(Hear(fmt::format("welcome {{ interval_seconds: {} }}", asked)),
                ElementsAre(fmt::format("interval {}", kept)));
  }
}

TEST_F(AgentSyncTest, HasAtMostEightRecordsUnderWay) {
  Open(1, 100, 0);
  for (int seq = 1; seq < 8; ++seq)
    EXPECT_THAT(GiveState(seq), testing::SizeIs(2)) << seq;
  EXPECT_THAT(GiveState(8), testing::SizeIs(1)) << "the window is full";
  EXPECT_THAT(Text(sync_.Recorded(101)), IsEmpty());
  EXPECT_THAT(Hear("ack { seq: 2 }"), ElementsAre("free 2", "record after 8"));
  EXPECT_THAT(Hear("ack { seq: 3 }"), ElementsAre("free 3"))
      << "one record at a time is asked of the spool";
}

TEST_F(AgentSyncTest, SendsWhatIsRecordedLater) {
  Open(1, 1, 0);
  EXPECT_THAT(Text(sync_.Recorded(2)), ElementsAre("record after 0"));
  EXPECT_THAT(GiveState(1), testing::SizeIs(1));
  EXPECT_THAT(Text(sync_.Recorded(3)), ElementsAre("record after 1"));
  EXPECT_THAT(Text(sync_.Give(std::nullopt)), IsEmpty());
  EXPECT_THAT(Text(sync_.Recorded(4)), ElementsAre("record after 1"))
      << "what could not be recorded is declared with the next record";
}

TEST_F(AgentSyncTest, SendsTheBodiesOfARecordUnderWay) {
  OpenAndSend(2);
  EXPECT_THAT(Hear("want { seq: 2 digests: 'G2' digests: 'P2' }"),
              ElementsAre("body G2 of groups for 2", "body P2 of ports for 2"));
}

TEST_F(AgentSyncTest, OtherWantsAreProtocolErrors) {
  for (const char* want :
       {"want { seq: 3 digests: 'P2' }", "want { seq: 2 digests: 'P1' }",
        "want { seq: 2 digests: 'P2' digests: 'P2' }", "want { seq: 2 }",
        "want { digests: 'P2' }"}) {
    OpenAndSend(2);
    const auto lines = Hear(want);
    ASSERT_EQ(lines.size(), 1u) << want;
    EXPECT_THAT(lines[0],
                testing::StartsWith("close: protocol error: the controller "));
    EXPECT_FALSE(sync_.open());
  }
  OpenAndSend(2);
  Hear("want { seq: 2 digests: 'P2' }");
  EXPECT_THAT(Hear("want { seq: 2 digests: 'P2' }"), testing::SizeIs(1));
  EXPECT_FALSE(sync_.open()) << "the same body twice";
}

TEST_F(AgentSyncTest, AMessageOfANewerControllerIsNotedAndTheStreamGoesOn) {
  OpenAndSend(1);
  EXPECT_THAT(Hear(""), ElementsAre("note the controller sent a message of a "
                                    "kind this agent does not know"));
  EXPECT_TRUE(sync_.open());
  EXPECT_THAT(Hear("ack { seq: 1 }"), ElementsAre("free 1"));
}

TEST_F(AgentSyncTest, RecordsTheCurrentStateWhenAskedWithoutRecord) {
  OpenAndSend(1);
  EXPECT_THAT(Hear("want { }"), IsEmpty()) << "a state is under way";
  Hear("ack { seq: 1 }");
  EXPECT_THAT(Hear("want { }"), ElementsAre("record current"));
}

TEST_F(AgentSyncTest, AMissingBodyMakesTheRecordALoss) {
  OpenAndSend(2);
  Hear("want { seq: 1 digests: 'P1' }");
  EXPECT_THAT(
      Text(sync_.BodyGone(1, "digest does not match")),
      ElementsAre("lose 1: digest does not match",
                  "close soon: record 1 is lost: digest does not match"));
}

TEST_F(AgentSyncTest, ARefusedRecordIsLostOrKept) {
  OpenAndSend(2);
  EXPECT_THAT(Hear("refusal { seq: 1 reason: 'unknown table' }"),
              ElementsAre("lose 1: refused: unknown table",
                          "note record 1 refused: unknown table"));
  EXPECT_THAT(Hear("refusal { seq: 2 reason: 'again' }"),
              ElementsAre("lose 2: refused: again",
                          "note record 2 refused: again", "record after 1"))
      << "nothing else is under way, so the loss itself is sent";
  EXPECT_THAT(
      Give("seq: 2 loss { from: 1 to: 2 reason: 'r' }"),
      ElementsAre(
          "send record { seq: 2 loss { from: 2 to: 2 reason: \"r\" } }"));
  EXPECT_THAT(Hear("ack { seq: 2 }"), ElementsAre("free 2"));
  OpenAndSend(2);
  EXPECT_THAT(Hear("refusal { seq: 2 reason: 'early' }"),
              ElementsAre("lose 2: refused: early",
                          "close soon: record 2 refused: early"));
  OpenAndSend(2);
  EXPECT_THAT(Hear("refusal { seq: 2 reason: 'disk full' retry: true }"),
              ElementsAre("close: record 2 refused: disk full"));
  OpenAndSend(2);
  EXPECT_THAT(Hear("refusal { reason: 'no authority' }"),
              ElementsAre("note no authority"));
  EXPECT_THAT(Hear("refusal { seq: 3 }"), testing::SizeIs(1));
  EXPECT_FALSE(sync_.open());
}

TEST_F(AgentSyncTest, OnlyWhatIsUnderWayCanBeAcknowledged) {
  for (const int seq : {0, 3, 1000}) {
    OpenAndSend(2);
    EXPECT_THAT(Hear(fmt::format("ack {{ seq: {} }}", seq)),
                testing::SizeIs(1));
    EXPECT_FALSE(sync_.open()) << seq;
  }
  OpenAndSend(2);
  Hear("ack { seq: 1 }");
  Hear("ack { seq: 1 }");
  EXPECT_FALSE(sync_.open()) << "the same twice";
}

TEST_F(AgentSyncTest, NonsenseClosesTheStreamAndNothingFollows) {
  sync_.Connected("S", 1, 2);
  EXPECT_THAT(Hear("ack { seq: 1 }"), testing::SizeIs(1));
  EXPECT_THAT(Hear("welcome { }"), IsEmpty());
  Open(1, 2, 0);
  EXPECT_THAT(Hear("welcome { }"), testing::SizeIs(1));
  EXPECT_THAT(GiveState(1), IsEmpty());
  EXPECT_THAT(Text(sync_.Unchanged("D")), IsEmpty());
  Open(1, 2, 0);
  EXPECT_THAT(Hear("certificate { chain: 'PEM' }"), testing::SizeIs(1));
  EXPECT_FALSE(sync_.open());
}

TEST_F(AgentSyncTest, ALossBeginsAfterWhatWasSent) {
  Open(1, 6, 2);
  EXPECT_THAT(Give("seq: 4 loss { from: 1 to: 4 reason: 'full' }"),
              ElementsAre("send record { seq: 4 loss { from: 3 to: 4 reason: "
                          "\"full\" } }",
                          "record after 4"));
}

TEST_F(AgentSyncTest, ASpoolThatWasSetBackBeginsANewStream) {
  sync_.Connected("S", 1, 4);
  const auto lines = Hear("welcome { acknowledged: 4 interval_seconds: 60 }");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[1], "begin stream");
  EXPECT_EQ(lines[2], "record current");
  EXPECT_THAT(lines[3], testing::StartsWith("close soon: "));
}

TEST_F(AgentSyncTest, AControllerThatWasSetBackGetsHeartbeats) {
  sync_.Connected("S", 7, 7);
  EXPECT_THAT(Hear("welcome { acknowledged: 3 interval_seconds: 60 }"),
              ElementsAre("interval 60",
                          "note the controller has lost records 4 to 6, which "
                          "it had acknowledged"));
  EXPECT_THAT(Text(sync_.Unchanged("D")),
              ElementsAre("send heartbeat { state: \"D\" }"));
  EXPECT_THAT(Hear("want { }"), ElementsAre("record current"));
  EXPECT_THAT(Text(sync_.Recorded(8)), ElementsAre("record after 6"));
}

TEST_F(AgentSyncTest, HeartbeatsOnlyWhenEverythingIsAcknowledged) {
  OpenAndSend(1);
  EXPECT_THAT(Text(sync_.Unchanged("D")), IsEmpty());
  Hear("ack { seq: 1 }");
  EXPECT_THAT(Text(sync_.Unchanged("D")),
              ElementsAre("send heartbeat { state: \"D\" }"));
  sync_.Disconnected();
  EXPECT_THAT(Text(sync_.Unchanged("D")), IsEmpty());
}

TEST_F(AgentSyncTest, RenewsOneCertificateAtATime) {
  Open(1, 1, 0);
  EXPECT_THAT(Text(sync_.Renew("CSR")),
              ElementsAre("send renewal { request: \"CSR\" }"));
  EXPECT_THAT(Text(sync_.Renew("CSR")), IsEmpty());
  EXPECT_THAT(Hear("certificate { chain: 'PEM' }"),
              ElementsAre("certificate PEM"));
  EXPECT_THAT(Text(sync_.Renew("CSR")), testing::SizeIs(1));
}

TEST_F(AgentSyncTest, ARefusedRenewalIsToldAndMayBeAskedForAgain) {
  Open(1, 1, 0);
  EXPECT_THAT(Hear("refusal { reason: 'no such message' }"),
              ElementsAre("note no such message"));
  sync_.Renew("CSR");
  EXPECT_THAT(Hear("refusal { reason: 'not now' retry: true }"),
              ElementsAre("renewal refused not now"));
  EXPECT_THAT(Text(sync_.Renew("CSR")), testing::SizeIs(1));
}

TEST(Backoff, GrowsToFiveMinutesWithFullJitter) {
  Backoff backoff;
  EXPECT_EQ(backoff.Next(1.0).count(), 1000);
  EXPECT_EQ(backoff.Next(0.5).count(), 1000);
  EXPECT_EQ(backoff.Next(1.0).count(), 4000);
  for (int i = 0; i < 100; ++i) backoff.Next(1.0);
  EXPECT_EQ(backoff.Next(1.0).count(), 300000);
  EXPECT_EQ(backoff.Next(0.0).count(), 0);
  backoff.Reset();
  EXPECT_EQ(backoff.Next(1.0).count(), 1000);
}

}  // namespace
}  // namespace metsuke
