#include "collectors/unpack.h"

#include <gtest/gtest.h>

#include "collectors/unpacker.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/packed.h"

namespace metsuke {
namespace {

constexpr const char* kNames[] = {"x.gz", "x.xz", "x.bz2", "x.zst"};

// Lines that are alike but for their numbers, as in logs.
std::string Text(int lines) {
  std::string text;
  for (int i = 0; i < lines; ++i)
    text += "2026-11-21T00:00:00+00:00 h p: record " + std::to_string(i) + "\n";
  return text;
}

// What is unpacked of a file, and how that ends.
std::pair<std::string, absl::StatusCode> Unpacked(const std::string& name,
                                                  const std::string& bytes,
                                                  size_t most = 1 << 24) {
  HostFolder folder;
  folder.Write(name, bytes);
  std::string text;
  const absl::Status status =
      UnpackBlocks(Host(folder.path()), "/" + name, most,
                   [&](std::string_view block) { text += block; });
  return {text, status.code()};
}

TEST(Unpack, GivesNoMoreThanItIsAskedFor) {
  const std::string text(1 << 20, 'a');
  for (const char* name : kNames) {
    EXPECT_EQ(*Unpack(name, Packed(name, text), 1000), text.substr(0, 1000));
    EXPECT_EQ(*Unpack(name, Packed(name, "abc"), 1000), "abc");
    EXPECT_EQ(*Unpack(name, "none of it", 1000), "");
    EXPECT_EQ(*Unpack(name, "", 1000), "");
  }
}

TEST(Unpack, EndsInTime) {
  HostFolder folder;
  folder.Write("x.gz", Packed("x.gz", Text(3000)));
  size_t left = 1 << 24;
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      UnpackBlocks(Host(folder.path()), "/x.gz", left, [](auto) {},
                   std::chrono::steady_clock::now())));
  EXPECT_EQ(left, 1u << 24);
}

TEST(Unpack, AFileIsWholeOrSaysSo) {
  const std::string text = Text(3000);
  for (const std::string name : kNames) {
    const std::string packed = Packed(name, text);
    EXPECT_EQ(Unpacked(name, packed), std::pair(text, absl::StatusCode::kOk));
    for (size_t size = 0; size < packed.size(); size += 1 + size / 7) {
      const auto [begin, code] = Unpacked(name, packed.substr(0, size));
      EXPECT_EQ(code, absl::StatusCode::kDataLoss) << name << " " << size;
      EXPECT_EQ(begin, text.substr(0, begin.size()));
    }
    // The last bytes are a sum of all, or the end of one.
    EXPECT_EQ(Unpacked(name, packed.substr(0, packed.size() - 1)).second,
              absl::StatusCode::kDataLoss)
        << name;
  }
}

TEST(Unpack, MembersBehindEachOtherAreOne) {
  for (const std::string name : kNames) {
    const std::string first = Packed(name, "first\n"),
                      second = Packed(name, "second\n");
    EXPECT_EQ(Unpacked(name, first + second),
              std::pair(std::string("first\nsecond\n"), absl::StatusCode::kOk))
        << name;
    EXPECT_EQ(Unpacked(name, first + std::string(512, '\0')),
              std::pair(std::string("first\n"), absl::StatusCode::kOk))
        << name;
    EXPECT_EQ(Unpacked(name, first + second.substr(0, second.size() / 2)).second,
              absl::StatusCode::kDataLoss)
        << name;
    EXPECT_EQ(Unpacked(name, first + "what is no member").second,
              absl::StatusCode::kInvalidArgument)
        << name;
  }
}

// A member may fill the last block of its bytes to the end.
TEST(Unpack, WhatEndsWithABlockIsWhole) {
  for (const std::string name : kNames)
    for (const size_t size : {Unpacker::kBlock - 1, Unpacker::kBlock,
                              2 * Unpacker::kBlock, 8 * Unpacker::kBlock}) {
      const std::string text(size, 'a');
      EXPECT_EQ(Unpacked(name, Packed(name, text)),
                std::pair(text, absl::StatusCode::kOk))
          << name << " " << size;
    }
}

TEST(Unpack, WhatIsTooMuchIsLeft) {
  for (const std::string name : kNames) {
    const auto [text, code] =
        Unpacked(name, Packed(name, std::string(8 << 20, 'a')), 1 << 20);
    EXPECT_EQ(code, absl::StatusCode::kResourceExhausted) << name;
    EXPECT_LE(text.size(), size_t{1 << 20} + Unpacker::kBlock);
  }
  EXPECT_EQ(Unpacked("x.lz4", "x").second, absl::StatusCode::kUnimplemented);
}

// bzip2 gives nothing before it has read a block of 900 kB, which is more than
// is read of others.
TEST(Unpack, TheHeadOfAnyFormatIsFound) {
  std::string text;
  for (uint64_t i = 1; text.size() < 2 << 20; ++i)
    text += std::to_string(i * 0x9e3779b97f4a7c15) + "\n";
  for (const std::string name : kNames) {
    HostFolder folder;
    folder.Write(name, Packed(name, text));
    const auto head = UnpackHead(Host(folder.path()), "/" + name, 4096);
    ASSERT_TRUE(head.ok()) << head.status();
    EXPECT_EQ(*head, text.substr(0, 4096)) << name;
  }
}

}  // namespace
}  // namespace metsuke
