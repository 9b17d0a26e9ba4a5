#include <fmt/format.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "controller/store/body.h"
#include "controller/sync.h"
#include "proto/canonical.h"
#include "proto/snapshot.pb.h"
#include "proto/status.h"
#include "proto/version.h"

namespace metsuke {
namespace {

std::string Canonical(const std::string& table, const std::string& snapshot) {
  v1::Snapshot parsed;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(snapshot, &parsed));
  return CanonicalTable(parsed, TableField(table));
}

// Plays a stream as text. Each line of the script is a message of the agent in
// text format or, after "store: ", the answer to the last question; what the
// machine did about it follows indented. "$PORTS" stands for the digest of a
// table, "$PORTS.zstd" for its compressed bytes.
class Play {
 public:
  Play() {
    Know("PORTS", MakeBody("ports", Canonical("ports", "ports {port: 22}")));
    Know("KEYS", MakeBody("authorized_keys",
                          Canonical("authorized_keys",
                                    "authorized_keys {account: 'root'}")));
    // Says that it is the ports and holds a second table.
    TableBody both =
        MakeBody("ports", Canonical("ports", "ports {port: 22}") +
                              Canonical("groups", "groups {name: 'sudo'}"));
    Know("BOTH", both);
    Know("JUNK", MakeBody("ports", "\xff\xff\xff"));
    v1::State state;
    state.add_tables()->set_table("ports");
    state.mutable_tables(0)->set_digest(names_.at("PORTS"));
    names_["STATE"] = StateDigest(state);
    names_["EMPTY"] = Sha256("");
    v1::State newer;
    newer.add_tables()->set_table("wid\nts");
    newer.mutable_tables(0)->set_digest(names_.at("JUNK"));
    *newer.add_tables() = state.tables(0);
    names_["NEWER"] = StateDigest(newer);
  }

  std::string Run(const std::string& script) {
    std::istringstream lines(script);
    std::string line, out;
    while (std::getline(lines, line))
      if (!line.empty() && !line.starts_with("    "))
        out += line + "\n" + Render(Step(line));
    return out;
  }

  ControllerSync& machine() { return machine_; }

 private:
  void Know(const std::string& name, const TableBody& body) {
    names_[name] = body.digest;
    names_[name + ".zstd"] = body.zstd;
    names_[name + ".front"] = body.zstd.substr(0, 5);
    names_[name + ".back"] = body.zstd.substr(5);
    sizes_[name + ".size"] = body.size;
  }

  ControllerSync::Output Step(const std::string& line) {
    constexpr std::string_view kStore = "store: ";
    if (line.starts_with(kStore)) return Answer(line.substr(kStore.size()));
    std::string text = line;
    // Longest names first: $PORTS.zstd is not $PORTS and ".zstd".
    for (auto name = sizes_.rbegin(); name != sizes_.rend(); ++name)
      text = absl::StrReplaceAll(
          text, {{"$" + name->first, std::to_string(name->second)}});
    for (auto name = names_.rbegin(); name != names_.rend(); ++name)
      text = absl::StrReplaceAll(
          text, {{"$" + name->first, "'" + absl::CEscape(name->second) + "'"}});
    v1::AgentMessage message;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message))
        << text;
    return machine_.Receive(message, 1000);
  }

  ControllerSync::Output Answer(const std::string& text) {
    std::istringstream words(text);
    std::string what, value;
    words >> what >> value;
    if (what == "standing") {
      Standing standing{.acknowledged = std::stoull(value)};
      if (words >> value) standing.state = names_.at(value);
      return machine_.Connected(standing);
    }
    if (what == "removed")
      return machine_.Connected(absl::PermissionDeniedError("removed"));
    if (what == "missing") {
      std::vector<std::string> missing;
      for (; !value.empty(); value.clear(), words >> value)
        missing.push_back(names_.at(value));
      return machine_.Looked(missing);
    }
    if (what == "stored") return machine_.Committed(absl::OkStatus(), 1000);
    if (what == "full")
      return machine_.Committed(absl::ResourceExhaustedError("disk full"),
                                1000);
    if (what == "gone")
      return machine_.Committed(absl::PermissionDeniedError("removed"), 1000);
    if (what == "certificate") return machine_.Renewed(value);
    ADD_FAILURE() << text;
    return {};
  }

  std::string Shorten(std::string text) const {
    for (const auto& [name, bytes] : names_)
      text = absl::StrReplaceAll(
          text, {{"\"" + absl::CEscape(bytes) + "\"", "$" + name}});
    return text;
  }

  std::string Render(const ControllerSync::Output& output) const {
    std::string text;
    for (const v1::ControllerMessage& message : output.send)
      text += "    " + Shorten(message.ShortDebugString()) + "\n";
    if (!output.note.empty()) text += "    note " + output.note + "\n";
    if (output.touch) text += "    touch\n";
    if (const auto* contact = std::get_if<Contact>(&output.ask))
      text +=
          fmt::format("    connect {} {}\n", contact->host, contact->version);
    if (const auto* lookup = std::get_if<ControllerSync::Lookup>(&output.ask)) {
      text += "    look up";
      for (const auto& table : lookup->state.tables())
        text += " " + table.table();
      text += "\n";
    }
    if (const auto* update = std::get_if<HostUpdate>(&output.ask)) {
      text += fmt::format("    commit {}", update->seq);
      if (update->state) text += " state";
      for (const TableBody& body : update->bodies) text += " +" + body.table;
      for (const v1::Event& event : update->events)
        text += " " + event.account();
      for (const v1::Loss& loss : update->losses)
        text += fmt::format(" lost {}-{} ({})", loss.from(), loss.to(),
                            loss.reason());
      text += "\n";
    }
    if (std::holds_alternative<v1::Renewal>(output.ask)) text += "    renew\n";
    if (!output.end.ok())
      text += fmt::format("    end {}: {}\n", CodeName(output.end.code()),
                          Message(output.end));
    return text;
  }

  std::map<std::string, std::string> names_;
  std::map<std::string, uint32_t> sizes_;
  ControllerSync machine_{"HOST", 300};
};

// The lines of both, so that a script and its outcome are written as one.
void Expect(const std::string& expected) {
  std::string script;
  std::istringstream lines(expected);
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("    ")) script += line + "\n";
  Play play;
  EXPECT_EQ(play.Run(script), expected);
}

constexpr char kHello[] =
    R"(hello {stream: "0123456789abcdef" first_seq: 1 next_seq: 2 version: "0.1.0"}
    connect HOST 0.1.0
store: standing 0
    welcome { interval_seconds: 300 }
)";

TEST(ControllerSync, AStateIsAcknowledgedOnceItsBodiesAreStored) {
  Expect(
      std::string(kHello) +
      R"(record {seq: 1 state {taken: 5 tables {table: "ports" digest: $PORTS}}}
    look up ports
store: missing PORTS
    want { seq: 1 digests: $PORTS }
body {table: "ports" digest: $PORTS size: $PORTS.size zstd: $PORTS.zstd last: true}
    commit 1 state +ports
store: stored
    ack { seq: 1 }
heartbeat {state: $STATE}
    touch
)");
}

TEST(ControllerSync, NothingIsAskedForThatIsKnown) {
  Expect(std::string(kHello) +
         R"(record {seq: 1 state {tables {table: "ports" digest: $PORTS}}}
    look up ports
store: missing
    commit 1 state
store: stored
    ack { seq: 1 }
)");
}

TEST(ControllerSync, EventsAreStoredInTheOrderOfTheRecords) {
  Expect(std::string(kHello) +
         R"(record {seq: 2 events {events {id: "0123456789abcdef" account: "alice"} events {id: "0123456789abcdeg" account: "bob"}}}
    commit 2 alice bob lost 1-1 (the agent never sent them)
store: stored
    ack { seq: 2 }
record {seq: 3 events {}}
    commit 3
store: full
    refusal { seq: 3 reason: "disk full" retry: true }
)");
}

TEST(ControllerSync, EventsThatCannotBeOnesAreRefusedAsAWhole) {
  Expect(std::string(kHello) +
         R"(record {seq: 1 events {events {id: "short"}}}
    commit 1 lost 1-1 (refused: the id of an event has 5 bytes in place of 16)
store: stored
    refusal { seq: 1 reason: "the id of an event has 5 bytes in place of 16" }
record {seq: 2 events {events {id: "0123456789abcdef" time: -1}}}
    commit 2 lost 2-2 (refused: an event outside the years 1970 to 9999)
store: stored
    refusal { seq: 2 reason: "an event outside the years 1970 to 9999" }
)");
  Play play;
  std::string large = "record {seq: 1 events {events {id: \"0123456789abcdef\" detail: \"";
  EXPECT_NE(play.Run(std::string(kHello) + large + std::string(5000, 'x') + "\"}}}\n")
                .find("an event with more than 4096 bytes"),
            std::string::npos);
}

TEST(ControllerSync, ABodyMayComeInPartsAndTheNextRecordBeforeIt) {
  Expect(std::string(kHello) +
         R"(record {seq: 1 state {tables {table: "ports" digest: $PORTS}}}
    look up ports
store: missing PORTS
    want { seq: 1 digests: $PORTS }
record {seq: 2 state {tables {table: "ports" digest: $EMPTY}}}
body {table: "ports" digest: $PORTS size: $PORTS.size zstd: $PORTS.front}
body {table: "ports" digest: $PORTS size: $PORTS.size zstd: $PORTS.back last: true}
    commit 1 state +ports
store: stored
    ack { seq: 1 }
    look up ports
store: missing
    commit 2 state
store: stored
    ack { seq: 2 }
)");
}

TEST(ControllerSync, ADuplicateIsAcknowledgedAgain) {
  Expect(R"(hello {stream: "0123456789abcdef" first_seq: 3 next_seq: 9}
    connect HOST 
store: standing 7
    welcome { acknowledged: 7 interval_seconds: 300 }
record {seq: 6 state {}}
    ack { seq: 7 }
record {seq: 8 loss {from: 8 to: 8 reason: "damaged"}}
    commit 8 lost 8-8 (damaged)
store: stored
    ack { seq: 8 }
)");
}

TEST(ControllerSync, WhatNeitherCameNorWasDeclaredLostIsDeclaredLost) {
  Expect(std::string(kHello) +
         R"(record {seq: 4 state {}}
    look up
store: missing
    commit 4 state lost 1-3 (the agent never sent them)
store: stored
    ack { seq: 4 }
record {seq: 9 loss {from: 7 to: 9 reason: "spool full"}}
    commit 9 lost 7-9 (spool full) lost 5-6 (the agent never sent them)
store: stored
    ack { seq: 9 }
record {seq: 12 loss {from: 8 to: 12 reason: "spool full"}}
    commit 12 lost 10-12 (spool full)
store: stored
    ack { seq: 12 }
)");
}

TEST(ControllerSync, AHeartbeatOfAnotherStateAsksForANewRecord) {
  Expect(R"(hello {stream: "0123456789abcdef" first_seq: 8 next_seq: 8}
    connect HOST 
store: standing 7 STATE
    welcome { acknowledged: 7 interval_seconds: 300 }
heartbeat {state: $STATE}
    touch
heartbeat {state: $PORTS}
    want { }
    touch
)");
}

TEST(ControllerSync, OfANewerAgentWhatBothKnowIsStored) {
  Expect(std::string(kHello) +
         fmt::format(R"(record {{seq: 1 state {{tables {{table: "wid\nts" digest: $JUNK}} tables {{table: "ports" digest: $PORTS}}}}}}
    note its agent (0.1.0) is newer than this controller ({0}), which leaves out what it does not know: wid\x0ats
    look up ports
store: missing
    commit 1 state
store: stored
    ack {{ seq: 1 }}
heartbeat {{state: $NEWER}}
    touch
heartbeat {{state: $STATE}}
    want {{ }}
    touch
record {{seq: 2 state {{tables {{table: "wid\nts" digest: $JUNK}} tables {{table: "ports" digest: $PORTS}}}}}}
    look up ports
store: missing
    commit 2 state
store: stored
    ack {{ seq: 2 }}
)", kVersion));
}

// The controller was upgraded: what is stored is not what the host says it is.
TEST(ControllerSync, WhatWasLeftOutIsAskedForAfterAnUpgrade) {
  Expect(R"(hello {stream: "0123456789abcdef" first_seq: 8 next_seq: 8}
    connect HOST 
store: standing 7 STATE
    welcome { acknowledged: 7 interval_seconds: 300 }
heartbeat {state: $NEWER}
    want { }
    touch
)");
}

TEST(ControllerSync, ABodyThatIsNotItsDigestIsRefused) {
  Expect(std::string(kHello) +
         R"(record {seq: 1 state {tables {table: "ports" digest: $PORTS}}}
    look up ports
store: missing PORTS
    want { seq: 1 digests: $PORTS }
body {table: "ports" digest: $PORTS size: $JUNK.size zstd: $JUNK.zstd last: true}
    commit 1 lost 1-1 (refused: body of ports: its digest does not match)
store: stored
    refusal { seq: 1 reason: "body of ports: its digest does not match" }
)");
}

TEST(ControllerSync, ABodyThatIsNoSnapshotOrHoldsMoreIsRefused) {
  Expect(std::string(kHello) +
         R"(record {seq: 1 state {tables {table: "ports" digest: $JUNK}}}
    look up ports
store: missing JUNK
    want { seq: 1 digests: $JUNK }
body {table: "ports" digest: $JUNK size: $JUNK.size zstd: $JUNK.zstd last: true}
    commit 1 lost 1-1 (refused: body of ports: its bytes are not a Snapshot)
store: stored
    refusal { seq: 1 reason: "body of ports: its bytes are not a Snapshot" }
record {seq: 2 state {tables {table: "ports" digest: $BOTH}}}
    look up ports
store: missing BOTH
    want { seq: 2 digests: $BOTH }
body {table: "ports" digest: $BOTH size: $BOTH.size zstd: $BOTH.zstd last: true}
    commit 2 lost 2-2 (refused: body of ports: it holds more than its table)
store: stored
    refusal { seq: 2 reason: "body of ports: it holds more than its table" }
)");
}

TEST(ControllerSync, AnOversizeBodyIsRefusedAndTheRestOfItSkipped) {
  Expect(
      std::string(kHello) +
      R"(record {seq: 1 state {tables {table: "ports" digest: $PORTS} tables {table: "authorized_keys" digest: $KEYS}}}
    look up ports authorized_keys
store: missing PORTS KEYS
    want { seq: 1 digests: $PORTS digests: $KEYS }
body {table: "ports" digest: $PORTS size: 67108865 zstd: $PORTS.front}
    commit 1 lost 1-1 (refused: body of ports: 67108865 bytes; 67108864 at most)
store: stored
    refusal { seq: 1 reason: "body of ports: 67108865 bytes; 67108864 at most" }
body {table: "ports" digest: $PORTS size: 67108865 zstd: $PORTS.back last: true}
body {table: "authorized_keys" digest: $KEYS size: $KEYS.size zstd: $KEYS.zstd last: true}
body {table: "authorized_keys" digest: $KEYS size: $KEYS.size zstd: $KEYS.zstd last: true}
    refusal { reason: "a body nobody asked for" }
)");
}

TEST(ControllerSync, ABodySentForAnotherTableIsRefused) {
  Expect(std::string(kHello) +
         R"(record {seq: 1 state {tables {table: "ports" digest: $KEYS}}}
    look up ports
store: missing KEYS
    want { seq: 1 digests: $KEYS }
body {table: "authorized_keys" digest: $KEYS size: $KEYS.size zstd: $KEYS.zstd last: true}
    commit 1 lost 1-1 (refused: body of authorized_keys sent for ports)
store: stored
    refusal { seq: 1 reason: "body of authorized_keys sent for ports" }
)");
}

TEST(ControllerSync, WhatCannotBeStoredAtPresentComesAgainInOrder) {
  Expect(std::string(kHello) +
         R"(record {seq: 1 state {tables {table: "ports" digest: $PORTS}}}
    look up ports
store: missing PORTS
    want { seq: 1 digests: $PORTS }
record {seq: 2 state {}}
body {table: "ports" digest: $PORTS size: $PORTS.size zstd: $PORTS.zstd last: true}
    commit 1 state +ports
store: full
    refusal { seq: 1 reason: "disk full" retry: true }
    refusal { seq: 2 reason: "record 1 comes first" retry: true }
record {seq: 3 state {}}
    refusal { seq: 3 reason: "record 1 comes first" retry: true }
record {seq: 1 state {tables {table: "ports" digest: $PORTS}}}
    look up ports
store: missing
    commit 1 state
store: stored
    ack { seq: 1 }
)");
}

TEST(ControllerSync, ARemovedHostIsSentAway) {
  Expect(R"(hello {stream: "0123456789abcdef" first_seq: 1 next_seq: 2}
    connect HOST 
store: removed
    end permission_denied: removed
)");
  Expect(std::string(kHello) +
         R"(record {seq: 1 state {}}
    look up
store: missing
    commit 1 state
store: gone
    end permission_denied: removed
)");
}

TEST(ControllerSync, AStreamBeginsWithOneSoundHello) {
  Expect(R"(heartbeat {}
    end invalid_argument: a stream begins with one Hello and has no other
)");
  Expect(R"(hello {stream: "short" first_seq: 1 next_seq: 1}
    end invalid_argument: Hello: the stream must have 16 bytes
)");
  Expect(std::string(kHello) +
         R"(hello {stream: "0123456789abcdef" first_seq: 1 next_seq: 2}
    end invalid_argument: a stream begins with one Hello and has no other
)");
}

TEST(ControllerSync, ARenewalGoesToTheAuthority) {
  Expect(std::string(kHello) +
         R"(renewal {request: "DER"}
    renew
store: certificate PEM
    certificate { chain: "PEM" }
renewal {}
    refusal { reason: "certificate request: must have 1 to 8192 bytes" }
)");
}

TEST(ControllerSync, AHostDoesNotSayWhatTheControllerSaw) {
  Expect(std::string(kHello) +
         R"(record {seq: 1 state {tables {table: "ssh_endpoints_outside" digest: $PORTS}}}
    commit 1 lost 1-1 (refused: ssh_endpoints_outside is the controller's to fill)
store: stored
    refusal { seq: 1 reason: "ssh_endpoints_outside is the controller\'s to fill" }
)");
}

TEST(ControllerSync, BadStatesAreRefused) {
  Expect(std::string(kHello) +
         R"(record {seq: 1 state {tables {table: "ports" digest: "short"}}}
    commit 1 lost 1-1 (refused: digest of ports has 5 bytes in place of 32)
store: stored
    refusal { seq: 1 reason: "digest of ports has 5 bytes in place of 32" }
record {seq: 2 state {tables {table: "ports" digest: $PORTS} tables {table: "ports" digest: $PORTS}}}
    commit 2 lost 2-2 (refused: table ports is not in the order of the field numbers)
store: stored
    refusal { seq: 2 reason: "table ports is not in the order of the field numbers" }
record {seq: 3 loss {from: 9 to: 3}}
    commit 3 lost 3-3 (refused: a loss of 9 to 3 cannot stand in record 3)
store: stored
    refusal { seq: 3 reason: "a loss of 9 to 3 cannot stand in record 3" }
record {seq: 4}
    commit 4 lost 4-4 (refused: a record of a kind this controller does not know)
store: stored
    refusal { seq: 4 reason: "a record of a kind this controller does not know" }
)");
}

TEST(ControllerSync, ThereIsNoRoomForEndlessRecordsOrBodies) {
  Play play;
  play.Run(
      R"(hello {stream: "0123456789abcdef" first_seq: 1 next_seq: 2}
store: standing 0
record {seq: 1 state {tables {table: "ports" digest: $PORTS}}}
store: missing PORTS
)");
  std::string out;
  for (size_t i = 0; i < kMaxQueuedRecords + 1; ++i)
    out = play.Run(fmt::format("record {{seq: {} state {{}}}}", i + 2));
  EXPECT_NE(out.find("too many records wait"), std::string::npos) << out;

  v1::AgentMessage message;
  v1::Body& body = *message.mutable_body();
  body.set_table("ports");
  body.set_digest(
      MakeBody("ports", Canonical("ports", "ports {port: 22}")).digest);
  body.set_zstd(std::string(1 << 20, 'x'));
  for (size_t held = 0; held < kMaxHeldBytes; held += body.zstd().size()) {
    const auto output = play.machine().Receive(message, 1000);
    EXPECT_TRUE(std::holds_alternative<std::monostate>(output.ask));
  }
  EXPECT_EQ(play.machine().held_bytes(), kMaxHeldBytes);
  const auto output = play.machine().Receive(message, 1000);
  ASSERT_TRUE(std::holds_alternative<HostUpdate>(output.ask));
  EXPECT_FALSE(std::get<HostUpdate>(output.ask).state);
  EXPECT_EQ(play.machine().held_bytes(), 0u);
}

TEST(ControllerSync, WhatIsAbandonedForWantOfMemoryComesAgain) {
  Play play;
  play.Run(std::string(kHello) +
           R"(record {seq: 1 state {tables {table: "ports" digest: $PORTS}}}
store: missing PORTS
)");
  const auto output = play.machine().Abandon("no memory");
  ASSERT_EQ(output.send.size(), 1u);
  EXPECT_EQ(output.send[0].refusal().seq(), 1u);
  EXPECT_TRUE(output.send[0].refusal().retry());
}

}  // namespace
}  // namespace metsuke
