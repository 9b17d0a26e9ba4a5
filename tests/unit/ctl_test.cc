// What metsukectl makes of its command line, asked of the program itself.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

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
  char name[] = "/tmp/metsuke-test.XXXXXX";
  const int file = mkstemp(name);
  const std::string call =
      std::string("-c /nonexistent report html --out ") + name;
  EXPECT_EQ(Ctl(call).code, 78) << "an empty file is nobody's";
  ASSERT_EQ(write(file, "<!DOCTYPE html>", 15), 15);
  EXPECT_EQ(Ctl(call).code, 78);
  ASSERT_EQ(pwrite(file, "-----BEGIN", 10, 0), 10);
  const Said said = Ctl(call);
  EXPECT_EQ(said.code, 64);
  EXPECT_THAT(said.text, HasSubstr("is there and is no page"));
  unlink(name);
  ASSERT_EQ(mkdir(name, 0700), 0);
  EXPECT_EQ(Ctl(call).code, 64);
  rmdir(name);
  close(file);
}

}  // namespace
}  // namespace metsuke
