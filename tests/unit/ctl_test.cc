// What metsukectl makes of its command line, asked of the program itself.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

#include "proto/file.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

using ::testing::HasSubstr;

struct Said {
  int code;
  std::string text;  // both outputs
};

Said Ctl(const std::string& arguments) {
  const std::string command =
      METSUKE_BINARY "/bin/metsukectl " + arguments + " 2>&1 </dev/null";
  Said said{-1, ""};
  std::FILE* const pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  while (size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
    said.text.append(buffer.data(), got);
  const int status = pclose(pipe);
  said.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return said;
}

TEST(Ctl, AHostileWordIsNotWrittenRaw) {
  EXPECT_THAT(Ctl("\"$(printf 'a\\033[2J')\"").text,
              HasSubstr("\"a\\x1b[2J\""));
}

TEST(Ctl, WatchWantsATerminalOrLines) {
  const Said said = Ctl("posture --watch");
  EXPECT_EQ(said.code, 64);
  EXPECT_THAT(said.text, HasSubstr("--watch needs a terminal, or -o jsonl"));
  EXPECT_EQ(Ctl("posture --watch --at 24h -o jsonl").code, 64);
  // It gets as far as the configuration.
  EXPECT_EQ(Ctl("-c /nonexistent posture --watch -o jsonl").code, 78);
}

TEST(Ctl, APageTakesThePlaceOfAPageAndOfNothingElse) {
  const TemporaryFolder folder;
  const std::string path = folder / "page.html";
  const std::string call = "-c /nonexistent report html --out " + path;
  // It gets as far as the configuration.
  for (const char* old : {"", "<!DOCTYPE html>"}) {
    ASSERT_TRUE(WriteFile(path, old, 0600).ok());
    EXPECT_EQ(Ctl(call).code, 78) << old;
  }
  ASSERT_TRUE(WriteFile(path, "-----BEGIN", 0600).ok());
  const Said said = Ctl(call);
  EXPECT_EQ(said.code, 64);
  EXPECT_THAT(said.text, HasSubstr("is there and is no page"));
  EXPECT_EQ(Ctl("-c /nonexistent report html --out " + folder.path()).code, 64);
}

}  // namespace
}  // namespace metsuke
