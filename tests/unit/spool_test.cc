#include "agent/spool.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <fstream>
#include <iterator>
#include <set>

#include "agent/frame.h"
#include "proto/canonical.h"
#include "tests/unit/full_disk.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;

// Bytes that cannot be compressed.
std::string Noise(size_t size) {
  std::string noise;
  for (uint32_t x = 1; noise.size() < size;)
    noise += static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  return noise;
}

class SpoolTest : public testing::Test {
 protected:
  ~SpoolTest() override { fs::remove_all(folder_); }

  std::unique_ptr<Spool> Open(uint64_t cap = kDefaultSpoolBytes) {
    auto spool = Spool::Open(folder_, cap, 1000);
    EXPECT_TRUE(spool.ok()) << spool.status();
    return spool.ok() ? *std::move(spool) : nullptr;
  }

  // Appends a state with one table "ports" of these bytes.
  static absl::StatusOr<uint64_t> Add(Spool& spool, const std::string& bytes) {
    v1::State state;
    state.set_taken(1000);
    auto* table = state.add_tables();
    table->set_table("ports");
    table->set_digest(Sha256(bytes));
    const Spool::Table body{table->digest(), bytes};
    return spool.Append(state, {&body, 1}, 1000);
  }

  // All that can be sent, as "5=ab" for a state and "1-4:reason" for a loss.
  static std::vector<std::string> Contents(Spool& spool) {
    std::vector<std::string> lines;
    uint64_t seq = 0;
    while (const auto record = spool.Next(seq, 1000)) {
      seq = record->seq();
      if (record->has_loss()) {
        lines.push_back(std::to_string(record->loss().from()) + "-" +
                        std::to_string(record->loss().to()) + ":" +
                        record->loss().reason());
        EXPECT_EQ(record->loss().to(), seq);
      } else {
        lines.push_back(std::to_string(seq) + "=" +
                        Hex(record->state().tables(0).digest()).substr(0, 4));
      }
    }
    return lines;
  }

  static std::string Line(uint64_t seq, const std::string& bytes) {
    return std::to_string(seq) + "=" + Hex(Sha256(bytes)).substr(0, 4);
  }

  static std::string Slurp(const fs::path& path) {
    std::ifstream in(path.string(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  static void Write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path.string(), std::ios::binary) << bytes;
  }

  std::set<std::string> BodyFiles() const {
    std::set<std::string> names;
    for (const auto& file : fs::directory_iterator(folder_ / "bodies"))
      names.insert(file.path().filename().string());
    return names;
  }

  static std::string Body(Spool& spool, const std::string& digest) {
    auto body = spool.ReadBody(digest);
    if (!body.ok()) return "";
    std::string bytes;
    while (!body->done()) bytes += *body->Part(3);
    return bytes;
  }

  const fs::path folder_ =
      fs::temp_directory_path() / fs::unique_path("spool-%%%%%%%%");
};

TEST(Crc32c, IsTheOneOfRfc3720) {
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
}

TEST_F(SpoolTest, KeepsRecordsUntilTheyAreFreed) {
  std::string stream;
  {
    const auto spool = Open();
    stream = spool->stream();
    EXPECT_EQ(stream.size(), 16u);
    EXPECT_EQ(*Add(*spool, "a"), 1u);
    EXPECT_EQ(*Add(*spool, "b"), 2u);
  }
  {
    const auto spool = Open();
    EXPECT_EQ(spool->stream(), stream);
    EXPECT_THAT(Contents(*spool),
                testing::ElementsAre(Line(1, "a"), Line(2, "b")));
    ASSERT_TRUE(spool->Free(1).ok());
    EXPECT_EQ(spool->first_seq(), 2u);
  }
  const auto spool = Open();
  EXPECT_THAT(Contents(*spool), testing::ElementsAre(Line(2, "b")));
  EXPECT_EQ(*Add(*spool, "c"), 3u);
}

TEST_F(SpoolTest, RemembersNumberAndLastStateWhenEmpty) {
  {
    const auto spool = Open();
    ASSERT_TRUE(Add(*spool, "a").ok());
    ASSERT_TRUE(spool->Free(1).ok());
    EXPECT_TRUE(spool->empty());
  }
  const auto spool = Open();
  EXPECT_TRUE(spool->empty());
  EXPECT_EQ(spool->next_seq(), 2u);
  ASSERT_TRUE(spool->current());
  EXPECT_EQ(spool->current()->tables(0).digest(), Sha256("a"));
}

TEST_F(SpoolTest, KeepsABodyOnceAndAsLongAsSomethingNamesIt) {
  const auto spool = Open();
  ASSERT_TRUE(Add(*spool, "a").ok());
  ASSERT_TRUE(Add(*spool, "a").ok());
  ASSERT_TRUE(Add(*spool, "b").ok());
  EXPECT_EQ(BodyFiles(),
            (std::set<std::string>{Hex(Sha256("a")), Hex(Sha256("b"))}));
  ASSERT_TRUE(spool->Free(1).ok());
  EXPECT_TRUE(spool->HasBody(Sha256("a")));
  ASSERT_TRUE(spool->Free(3).ok());
  EXPECT_EQ(BodyFiles(), std::set<std::string>{Hex(Sha256("b"))})
      << "the current state still names b";
}

TEST_F(SpoolTest, HandsOutABodyInParts) {
  const auto spool = Open();
  std::string bytes;
  for (uint32_t i = 0; i < 100000; ++i) bytes += static_cast<char>(i * i >> 3);
  ASSERT_TRUE(Add(*spool, bytes).ok());
  auto body = spool->ReadBody(Sha256(bytes));
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(body->size(), bytes.size());
  EXPECT_EQ(Body(*spool, Sha256(bytes)),
            Slurp(folder_ / "bodies" / Hex(Sha256(bytes))));
  const std::string empty = Sha256("");
  ASSERT_TRUE(Add(*spool, "").ok());
  ASSERT_TRUE(spool->ReadBody(empty).ok());
  EXPECT_EQ(spool->ReadBody(empty)->size(), 0u);
}

TEST_F(SpoolTest, FlippedBodyIsGoneAndNotHandedOut) {
  { ASSERT_TRUE(Add(*Open(), "some words that are a body").ok()); }
  const std::string digest = Sha256("some words that are a body");
  const fs::path path = folder_ / "bodies" / Hex(digest);
  const std::string good = Slurp(path);
  for (size_t i = 0; i <= good.size(); ++i) {
    std::string bad = good;
    if (i < good.size())
      bad[i] ^= 0x10;
    else
      bad.pop_back();
    Write(path, bad);
    const auto spool = Open();
    const auto body = spool->ReadBody(digest);
    // A flip in a header bit that zstd leaves unused changes nothing.
    if (body.ok())
      EXPECT_EQ(body->size(), 26u);
    else
      EXPECT_FALSE(spool->HasBody(digest));
    EXPECT_TRUE(body.ok() == fs::exists(path)) << i;
  }
}

TEST_F(SpoolTest, EveryFlippedByteCostsOneRecordAndIsDeclared) {
  std::string stream;
  {
    const auto spool = Open();
    stream = spool->stream();
    for (const char* bytes : {"a", "b", "c"})
      ASSERT_TRUE(Add(*spool, bytes).ok());
  }
  for (const char* name : {"00000000000000000001", "00000000000000000002",
                           "00000000000000000003"}) {
    const int seq = name[19] - '0';
    const fs::path path = folder_ / "records" / name;
    const std::string good = Slurp(path);
    for (size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] ^= 1 << i % 8;
      Write(path, bad);
      const auto spool = Open();
      std::vector<std::string> lines = Contents(*spool);
      ASSERT_EQ(lines.size(), 3u) << name << " " << i;
      for (int other = 1; other <= 3; ++other) {
        if (other == seq) {
          EXPECT_THAT(lines[other - 1],
                      testing::HasSubstr(":damaged on disk: "));
        } else {
          EXPECT_EQ(lines[other - 1],
                    Line(other, std::string(1, 'a' + other - 1)));
        }
      }
      EXPECT_EQ(spool->stream(), stream);
      EXPECT_EQ(spool->next_seq(), 4u);
      EXPECT_EQ(spool->current().has_value(), seq != 3);
    }
    Write(path, good);
  }
}

TEST_F(SpoolTest, ARecordCutAtAnyLengthIsDeclared) {
  {
    const auto spool = Open();
    for (const char* bytes : {"a", "b", "c"})
      ASSERT_TRUE(Add(*spool, bytes).ok());
  }
  const fs::path path = folder_ / "records/00000000000000000003";
  const std::string good = Slurp(path);
  for (size_t size = 0; size < good.size(); ++size) {
    Write(path, good.substr(0, size));
    const auto spool = Open();
    const std::vector<std::string> lines = Contents(*spool);
    ASSERT_EQ(lines.size(), 3u) << size;
    EXPECT_THAT(lines[2], testing::StartsWith("3-3:damaged on disk: "));
    EXPECT_EQ(spool->next_seq(), 4u);
  }
}

TEST_F(SpoolTest, DamageToTheStreamFileCostsNothing) {
  std::string stream;
  {
    const auto spool = Open();
    stream = spool->stream();
    for (const char* bytes : {"a", "b", "c"})
      ASSERT_TRUE(Add(*spool, bytes).ok());
    ASSERT_TRUE(spool->Free(1).ok());
  }
  const fs::path path = folder_ / "stream";
  const std::string good = Slurp(path);
  for (size_t i = 0; i <= 2 * good.size(); ++i) {
    std::string bad = good;
    if (i < good.size())
      bad[i] ^= 4;
    else
      bad.resize(i - good.size());
    if (bad == good) continue;
    Write(path, bad);
    const auto spool = Open();
    EXPECT_EQ(spool->stream(), stream) << i;
    EXPECT_THAT(Contents(*spool),
                testing::ElementsAre(Line(2, "b"), Line(3, "c")));
  }
}

TEST_F(SpoolTest, WithoutAnyWholeFileItIsANewStreamThatDeclaresTheOld) {
  std::string stream;
  {
    const auto spool = Open();
    stream = spool->stream();
    for (const char* bytes : {"a", "b"}) ASSERT_TRUE(Add(*spool, bytes).ok());
  }
  Write(folder_ / "stream", "");
  Write(folder_ / "records/00000000000000000001", "x");
  Write(folder_ / "records/00000000000000000002", "");
  std::string reborn;
  for (int i = 0; i < 2; ++i) {
    const auto spool = Open();
    EXPECT_NE(spool->stream(), stream);
    if (i == 1) {
      EXPECT_EQ(spool->stream(), reborn);
    }
    reborn = spool->stream();
    EXPECT_THAT(Contents(*spool),
                testing::ElementsAre("1-2:the spool was damaged on disk"));
  }
}

TEST_F(SpoolTest, AMissingRecordIsDeclared) {
  {
    const auto spool = Open();
    for (const char* bytes : {"a", "b", "c", "d"})
      ASSERT_TRUE(Add(*spool, bytes).ok());
  }
  fs::remove(folder_ / "records/00000000000000000002");
  fs::remove(folder_ / "records/00000000000000000003");
  EXPECT_THAT(
      Contents(*Open()),
      testing::ElementsAre(Line(1, "a"), "2-3:missing on disk", Line(4, "d")));
}

TEST_F(SpoolTest, AFullSpoolDropsTheOldestStatesIntoOneLoss) {
  {
    // A record and its body take a block each; a Loss takes one.
    const auto spool = Open(7 * 4096);
    for (char c = 'a'; c <= 'j'; ++c)
      ASSERT_TRUE(Add(*spool, std::string(1, c)).ok());
    EXPECT_LE(spool->disk_bytes(), 7u * 4096);
    EXPECT_THAT(Contents(*spool),
                testing::ElementsAre("1-7:the spool was full", Line(8, "h"),
                                     Line(9, "i"), Line(10, "j")));
    EXPECT_EQ(spool->first_seq(), 1u);
  }
  const auto spool = Open(7 * 4096);
  EXPECT_EQ(Contents(*spool).size(), 4u);
  EXPECT_EQ(BodyFiles().size(), 3u);
}

TEST_F(SpoolTest, AStateLargerThanTheSpoolIsRefusedAndDeclared) {
  const auto spool = Open(4 * 4096);
  ASSERT_TRUE(Add(*spool, "a").ok());
  EXPECT_EQ(Add(*spool, Noise(40000)).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(BodyFiles().size(), 1u);
  ASSERT_TRUE(Add(*spool, "b").ok());
  const auto lines = Contents(*spool);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], testing::StartsWith("1-2:the spool was full; could"));
  EXPECT_EQ(lines[1], Line(3, "b"));
}

TEST_F(SpoolTest, WhatADiskWithoutRoomDidNotTakeIsDeclaredAtOnce) {
  const auto lost = testing::AllOf(
      testing::StartsWith("2-3:could not be recorded: "),
      testing::Not(testing::HasSubstr("; could")));
  {
    const auto spool = Open();
    ASSERT_TRUE(Add(*spool, "a").ok());
    {
      const FullDisk full(8);
      EXPECT_FALSE(Add(*spool, "b").ok());
      EXPECT_FALSE(Add(*spool, "c").ok());
      EXPECT_THAT(Contents(*spool), testing::ElementsAre(Line(1, "a"), lost));
    }
    ASSERT_TRUE(Add(*spool, "d").ok());
    EXPECT_THAT(Contents(*spool),
                testing::ElementsAre(Line(1, "a"), lost, Line(4, "d")));
    EXPECT_EQ(BodyFiles().size(), 2u);
  }
  const auto spool = Open();
  EXPECT_THAT(Contents(*spool),
              testing::ElementsAre(Line(1, "a"), "2-3:missing on disk",
                                   Line(4, "d")));
}

TEST_F(SpoolTest, LostRecordsBecomeLossesInTheirPlaceAndMerge) {
  {
    const auto spool = Open();
    for (const char* bytes : {"a", "b", "c", "d"})
      ASSERT_TRUE(Add(*spool, bytes).ok());
    spool->Lose(1, "refused", 1000);
    spool->Lose(3, "refused", 1000);
    spool->Lose(2, "no body", 1000);
    EXPECT_TRUE(spool->current());
    EXPECT_THAT(
        Contents(*spool),
        testing::ElementsAre("1-3:refused; no body; refused", Line(4, "d")));
    spool->Lose(4, "refused", 1000);
    EXPECT_FALSE(spool->current()) << "the host must be recorded anew";
  }
  const auto spool = Open();
  EXPECT_EQ(Contents(*spool).size(), 1u);
  ASSERT_TRUE(spool->Free(2).ok());
  EXPECT_EQ(spool->first_seq(), 3u);
  EXPECT_EQ(Contents(*spool).size(), 1u);
  ASSERT_TRUE(spool->Free(4).ok());
  EXPECT_TRUE(spool->empty());
  EXPECT_TRUE(BodyFiles().empty());
}

TEST_F(SpoolTest, ARecordDamagedWhileOpenComesAsALoss) {
  const auto spool = Open();
  for (const char* bytes : {"a", "b"}) ASSERT_TRUE(Add(*spool, bytes).ok());
  Write(folder_ / "records/00000000000000000001", "x");
  EXPECT_THAT(Contents(*spool),
              testing::ElementsAre("1-1:damaged on disk: cut to 1 bytes",
                                   Line(2, "b")));
}

TEST_F(SpoolTest, WhatAnInterruptedWriterLeftBehindIsClearedAway) {
  const fs::path records = folder_ / "records";
  {
    const auto spool = Open();
    for (const char* bytes : {"a", "b", "c", "d"})
      ASSERT_TRUE(Add(*spool, bytes).ok());
  }
  const std::string one = Slurp(records / "00000000000000000001");
  const std::string two = Slurp(records / "00000000000000000002");
  const std::string four = Slurp(records / "00000000000000000004");
  {
    const auto spool = Open();
    for (const uint64_t seq : {1, 2, 3}) spool->Lose(seq, "gone", 1000);
  }
  Write(records / "00000000000000000001", one);
  Write(records / "00000000000000000002", two);
  Write(records / "00000000000000000009.tmp", two);
  {
    const auto spool = Open();
    EXPECT_THAT(Contents(*spool),
                testing::ElementsAre("1-3:gone", Line(4, "d")));
    EXPECT_EQ(spool->next_seq(), 5u);
    ASSERT_TRUE(spool->Free(4).ok());
  }
  fs::remove(folder_ / "current");
  Write(records / "00000000000000000004", four);
  const auto spool = Open();
  EXPECT_TRUE(spool->empty());
  ASSERT_TRUE(spool->current());
  EXPECT_EQ(spool->current()->tables(0).digest(), Sha256("d"));
  EXPECT_TRUE(fs::is_empty(records));
}

TEST_F(SpoolTest, ANewStreamBeginsWithTheLossOfWhatTheOldOneHeld) {
  const auto spool = Open();
  const std::string stream = spool->stream();
  ASSERT_TRUE(spool->BeginStream(1000).ok());
  EXPECT_NE(spool->stream(), stream);
  EXPECT_TRUE(spool->empty()) << "nothing was held";
  for (const char* bytes : {"a", "b", "c"})
    ASSERT_TRUE(Add(*spool, bytes).ok());
  ASSERT_TRUE(spool->Free(1).ok());
  spool->Lose(2, "refused", 1000);
  ASSERT_TRUE(spool->BeginStream(1000).ok());
  ASSERT_TRUE(spool->current());
  EXPECT_EQ(*spool->Append(*spool->current(), {}, 1000), 3u);
  EXPECT_THAT(
      Contents(*spool),
      testing::ElementsAre("1-2:not acknowledged when a new stream began",
                           Line(3, "c")));
}

TEST_F(SpoolTest, ANewStreamIsTheSameAfterARestart) {
  std::string stream;
  {
    const auto spool = Open();
    for (const char* bytes : {"a", "b"}) ASSERT_TRUE(Add(*spool, bytes).ok());
    ASSERT_TRUE(spool->BeginStream(1000).ok());
    stream = spool->stream();
  }
  const auto spool = Open();
  EXPECT_EQ(spool->stream(), stream);
  EXPECT_EQ(Contents(*spool).size(), 1u);
  EXPECT_EQ(spool->first_seq(), 1u);
  EXPECT_EQ(spool->next_seq(), 3u);
}

TEST_F(SpoolTest, ADiskWithoutRoomKeepsTheOldStream) {
  const auto spool = Open();
  const std::string stream = spool->stream();
  ASSERT_TRUE(Add(*spool, "a").ok());
  {
    const FullDisk full(8);
    EXPECT_FALSE(spool->BeginStream(1000).ok());
  }
  EXPECT_EQ(spool->stream(), stream);
  EXPECT_THAT(Contents(*spool), testing::ElementsAre(Line(1, "a")));
}

TEST_F(SpoolTest, ALossWithoutRoomOnTheDiskIsDeclaredOnceAndOnlyThat) {
  {
    const auto spool = Open();
    for (const char* bytes : {"a", "b", "c", "d", "e"})
      ASSERT_TRUE(Add(*spool, bytes).ok());
    ASSERT_TRUE(spool->Free(3).ok());
    // The stream's own file is smaller than a Loss with its reason.
    const FullDisk full(60);
    ASSERT_TRUE(spool->BeginStream(1000).ok());
    EXPECT_EQ(spool->next_seq(), 3u);
    EXPECT_THAT(Contents(*spool), testing::ElementsAre(testing::StartsWith(
                                      "1-2:not acknowledged")));
  }
  const auto spool = Open();
  EXPECT_EQ(spool->next_seq(), 3u);
  EXPECT_THAT(Contents(*spool),
              testing::ElementsAre(testing::AllOf(
                  testing::StartsWith("1-2:"), testing::HasSubstr("damaged"))));
}

TEST_F(SpoolTest, AStateThatWasNotRecordedIsKnownAfterARestart) {
  {
    const auto spool = Open();
    ASSERT_TRUE(Add(*spool, "a").ok());
    const FullDisk full(4096);  // the Loss is smaller, the body is not
    EXPECT_FALSE(Add(*spool, Noise(40000)).ok());
  }
  const auto spool = Open();
  const auto lines = Contents(*spool);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[1], testing::StartsWith("2-2:could not be recorded: "));
}

TEST_F(SpoolTest, ANumberIsNotGivenAgainAfterItCouldNotBeFreed) {
  {
    const auto spool = Open();
    for (const char* bytes : {"a", "b"}) ASSERT_TRUE(Add(*spool, bytes).ok());
    spool->Lose(1, "refused", 1000);
    spool->Lose(2, "refused", 1000);
    const FullDisk full(8);
    EXPECT_FALSE(spool->Free(2).ok());
  }
  const auto spool = Open();
  EXPECT_EQ(spool->next_seq(), 3u);
  ASSERT_TRUE(spool->Free(2).ok());
  EXPECT_TRUE(spool->empty());
}

TEST_F(SpoolTest, OnlyOneProcessHasIt) {
  const auto spool = Open();
  EXPECT_EQ(Spool::Open(folder_, kDefaultSpoolBytes, 1).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(SpoolTest, AMissingBodyIsAnErrorBeforeAnythingIsWritten) {
  const auto spool = Open();
  v1::State state;
  auto* table = state.add_tables();
  table->set_table("ports");
  table->set_digest(Sha256("a"));
  EXPECT_EQ(spool->Append(state, {}, 1).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(spool->next_seq(), 1u);
}

TEST_F(SpoolTest, WhatAppendReturnedSurvivesKill) {
  uint64_t last = 0, freed = 0;
  for (int round = 0; round < 20; ++round) {
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t child = fork();
    if (child == 0) {
      auto spool = Spool::Open(folder_, kDefaultSpoolBytes, 1000);
      if (!spool.ok()) _exit(1);
      for (uint64_t i = (*spool)->next_seq();; ++i) {
        const auto seq = Add(**spool, "body " + std::to_string(i % 50));
        if (!seq.ok() || *seq != i) _exit(1);
        if (write(pipe_fds[1], &*seq, sizeof *seq) != sizeof *seq) _exit(1);
        if (i % 5 == 0) {
          const uint64_t upto = i - 3;
          if (!(*spool)->Free(upto).ok()) _exit(1);
        }
      }
    }
    close(pipe_fds[1]);
    uint64_t seq;
    for (int i = 0; i < 7 + round; ++i) {
      ASSERT_EQ(read(pipe_fds[0], &seq, sizeof seq), ssize_t{sizeof seq});
      last = seq;
    }
    kill(child, SIGKILL);
    while (read(pipe_fds[0], &seq, sizeof seq) == sizeof seq) last = seq;
    close(pipe_fds[0]);
    int status;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));

    const auto spool = Open();
    ASSERT_TRUE(spool);
    EXPECT_GE(spool->next_seq(), last + 1);
    EXPECT_LE(spool->next_seq(), last + 2) << "at most the one under way";
    uint64_t expected = spool->first_seq();
    EXPECT_GE(expected, freed);
    freed = expected;
    EXPECT_LE(expected, last + 1);
    for (uint64_t at = 0; const auto record = spool->Next(at, 1000);) {
      at = record->seq();
      EXPECT_EQ(at, expected++);
      ASSERT_TRUE(record->has_state());
      EXPECT_NE(Body(*spool, record->state().tables(0).digest()), "");
    }
    EXPECT_EQ(expected, spool->next_seq());
  }
}

}  // namespace
}  // namespace metsuke
