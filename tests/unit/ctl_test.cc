// What metsukectl makes of its command line, asked of the program itself.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "proto/file.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

using ::testing::HasSubstr;

struct Said {
  int code;
  std::string text;  // both outputs
};

Said Ctl(const std::string& arguments, const std::string& folder = ".") {
  const std::string command = "cd '" + folder + "' && exec 2>&1 </dev/null " +
                              METSUKE_BINARY "/bin/metsukectl " + arguments;
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

TEST(Ctl, WhatIsNotUtf8IsNamedWithTheRemedy) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFile(folder / "a.yaml", "a: 1\n田\x8eR: 1\n", 0600).ok());
  for (const char* const command : {"register apply", "register apply --dry-run",
                                    "baseline apply"}) {
    const Said said = Ctl(std::string(command) + " " + folder.path());
    EXPECT_EQ(said.code, 64) << command;
    EXPECT_THAT(said.text,
                testing::AllOf(HasSubstr("a.yaml:2:2: not UTF-8 (byte 9"),
                               HasSubstr("iconv -f CP932 -t UTF-8"),
                               testing::Not(HasSubstr("libprotobuf"))));
  }
  for (const char* const command :
       {"host label one ", "posture ", "waiver add c --host h --approver x --days 1 --reason "}) {
    const Said said =
        Ctl("-c /nonexistent " + std::string(command) + "\"$(printf 'team=\\216R')\"");
    EXPECT_EQ(said.code, 64) << command;
    EXPECT_THAT(said.text, HasSubstr("\"team=\\x8eR\" is not UTF-8"));
  }
}

TEST(Ctl, WatchWantsATerminalOrLines) {
  const Said said = Ctl("posture --watch");
  EXPECT_EQ(said.code, 64);
  EXPECT_THAT(said.text, HasSubstr("--watch needs a terminal, or -o jsonl"));
  EXPECT_EQ(Ctl("posture --watch --at 24h -o jsonl").code, 64);
  // It gets as far as the configuration.
  EXPECT_EQ(Ctl("-c /nonexistent posture --watch -o jsonl").code, 78);
}

// The commands below `command`, as its --help lists them.
std::vector<std::string> Below(const std::string& command) {
  std::istringstream help(Ctl(command + " --help").text);
  std::vector<std::string> below;
  bool listed = false;
  for (std::string line; std::getline(help, line);) {
    if (line == "Subcommands:") listed = true;
    else if (line.empty()) listed = false;
    else if (listed && line[2] != ' ')
      below.push_back(command + " " + line.substr(2, line.find(' ', 2) - 2));
  }
  return below;
}

// Every command says at first how it is used, and what it says can be copied.
TEST(Ctl, HelpBeginsWithExamplesThatAreUnderstood) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFile(folder / "registers.yaml", "{}", 0600).ok());
  int commands = 0, examples = 0;
  std::vector<std::string> left = Below("");
  for (; !left.empty(); ++commands) {
    const std::string command = left.back();
    left.pop_back();
    for (std::string& below : Below(command)) left.push_back(std::move(below));
    std::istringstream help(Ctl(command + " --help").text);
    int own = 0;
    for (std::string line; std::getline(help, line);) {
      if (line.starts_with("Usage:")) break;
      const std::string start = "  metsukectl ";
      if (!line.starts_with(start)) continue;
      const size_t end = line.find("  ", start.size());
      const std::string words = line.substr(start.size(), end - start.size());
      EXPECT_TRUE(words.starts_with(command.substr(1))) << line;
      const bool files = words.ends_with(" .");
      const Said said =
          Ctl("-c /nonexistent " + words,
              files ? METSUKE_SOURCE "/playbooks/baseline" : folder.path());
      if (said.text.find("needs a terminal") == std::string::npos) {
        EXPECT_NE(said.code, 64) << words << ": " << said.text;
      }
      ++own;
    }
    EXPECT_GT(own, 0) << command;
    examples += own;
  }
  EXPECT_GT(commands, 40);
  EXPECT_GT(examples, commands);
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
