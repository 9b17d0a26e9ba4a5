// What metsukectl makes of its command line, asked of the program itself.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace metsuke {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

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

TEST(Ctl, AWordItDoesNotKnowIsNamedWithTheNearest) {
  for (const auto& [arguments, expected] :
       std::initializer_list<std::pair<const char*, const char*>>{
           {"nonsense", "metsukectl has no command \"nonsense\"\n"},
           {"postur", "has no command \"postur\"; did you mean posture?"},
           {"host lst", "metsukectl host has no command \"lst\"; did you mean "
                        "list?"},
           {"control explian x", "metsukectl control has no command "
                                 "\"explian\"; did you mean explain?"},
           {"token craete", "metsukectl token has no command \"craete\"; did "
                            "you mean create?"},
           {"baseline chck x", "did you mean check?"},
           {"posture --advise", "metsukectl posture has no option --advise; "
                                "did you mean --advice?"},
           {"posture --sellector=a", "has no option --sellector; did you mean "
                                     "--selector?"},
           {"--exit-zer0 posture", "metsukectl posture has no option "
                                   "--exit-zer0; did you mean --exit-zero?"},
           {"posture a b", "does not know what to do with \"b\""}}) {
    const Said said = Ctl(arguments);
    EXPECT_EQ(said.code, 64) << arguments;
    EXPECT_THAT(said.text, HasSubstr(expected)) << arguments;
    EXPECT_THAT(said.text, StartsWith("metsukectl: ")) << arguments;
  }
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

}  // namespace
}  // namespace metsuke
