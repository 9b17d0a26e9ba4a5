#include "proto/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

namespace metsuke {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A program of two commands, one of which has commands of its own.
struct Program {
  CommandLine line{"inspect", "Inspects."};
  std::string output = "table", host;
  std::vector<std::string> labels;
  bool advice = false, labelled = false;
  int uses = 1;

  Program() {
    line.RequireCommand();
    line.Option("-o,--output", output, "Form").OneOf({"table", "json"});
    CommandLine& posture = line.Command("posture", "How it stands");
    posture.Word("host", host, "A host");
    posture.Flag("--advice", advice, "What to do");
    CommandLine& hosts = line.Command("host", "The hosts");
    hosts.RequireCommand();
    hosts.Command("list", "All of them");
    CommandLine& label =
        hosts.Command("label", "Name one", [this] { labelled = true; });
    label.Word("host", host, "A host").Required();
    label.Word("labels", labels, "key=value").Required();
    label.Option("--uses", uses, "How often").Between(1, 9);
  }

  std::optional<int> Parse(std::initializer_list<const char*> words) {
    std::vector<const char*> argv{"inspect"};
    argv.insert(argv.end(), words);
    return line.Parse(static_cast<int>(argv.size()), argv.data());
  }
  // What an operator reads after an error in `words`.
  std::string Complaint(std::initializer_list<const char*> words) {
    testing::internal::CaptureStderr();
    const std::optional<int> code = Parse(words);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(code.value_or(0), 64) << said;
    return said;
  }
};

TEST(CommandLine, FillsWhatItWasGiven) {
  Program program;
  EXPECT_EQ(program.Parse({"host", "label", "web01", "a=b", "c=d", "--uses",
                           "3", "-o", "json"}),
            std::nullopt);
  EXPECT_EQ(program.host, "web01");
  EXPECT_THAT(program.labels, ElementsAre("a=b", "c=d"));
  EXPECT_EQ(program.uses, 3);
  EXPECT_EQ(program.output, "json");
  EXPECT_TRUE(program.labelled);
}

TEST(CommandLine, AWrongCommandIsNamedWithWhatWasProbablyMeant) {
  EXPECT_THAT(Program().Complaint({"pasture"}),
              HasSubstr("inspect: there is no command \"pasture\"; did you "
                        "mean posture?\ninspect --help"));
  EXPECT_THAT(Program().Complaint({"nonsense"}),
              HasSubstr("there is no command \"nonsense\"\n"));
  EXPECT_THAT(Program().Complaint({"host", "lst"}),
              HasSubstr("inspect host: there is no command \"lst\"; did you "
                        "mean list?"));
}

TEST(CommandLine, AWrongOptionIsNamedWithWhatWasProbablyMeant) {
  EXPECT_THAT(Program().Complaint({"posture", "--advise"}),
              HasSubstr("inspect posture: there is no option --advise; did you "
                        "mean --advice?"));
  // One of the program's own is near as well.
  EXPECT_THAT(Program().Complaint({"posture", "--ouput=json"}),
              HasSubstr("there is no option --ouput; did you mean --output?"));
}

TEST(CommandLine, SaysWhichCommandsAreMissing) {
  EXPECT_THAT(Program().Complaint({}),
              HasSubstr("a command is missing: posture, host"));
  EXPECT_THAT(Program().Complaint({"host"}),
              HasSubstr("a command is missing: list, label"));
}

TEST(CommandLine, RefusesValuesOutOfBoundsAndWordsTooMany) {
  EXPECT_THAT(Program().Complaint({"-o", "xml", "posture"}),
              HasSubstr("--output"));
  EXPECT_THAT(
      Program().Complaint({"host", "label", "a", "b", "--uses", "0"}),
      HasSubstr("--uses"));
  EXPECT_THAT(Program().Complaint({"posture", "a", "b"}),
              HasSubstr("\"b\" is a word too many"));
  EXPECT_THAT(Program().Complaint({"host", "label"}), HasSubstr("host"));
}

TEST(CommandLine, AWordCannotDriveTheTerminal) {
  EXPECT_THAT(Program().Complaint({"\x1b[2J"}),
              testing::Not(HasSubstr("\x1b")));
}

TEST(CommandLine, HelpAndVersionEndWithSuccess) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(Program().Parse({"--version"}), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("inspect "));
  testing::internal::CaptureStdout();
  EXPECT_EQ(Program().Parse({"host", "--help"}), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("Name one"));
}

TEST(CommandLine, OffersWhatMayFollow) {
  const Program program;
  EXPECT_THAT(program.line.Offers({""}), ElementsAre("posture", "host"));
  EXPECT_THAT(program.line.Offers({"host", "l"}), ElementsAre("list", "label"));
  EXPECT_THAT(program.line.Offers({"posture", "--a"}), ElementsAre("--advice"));
  EXPECT_THAT(program.line.Offers({"posture", "--o"}), ElementsAre("--output"));
  EXPECT_THAT(program.line.Offers({"host", "x"}), IsEmpty());
}

TEST(CommandLine, OffersWhatAWordMayStandFor) {
  const Program program;
  const auto offers = [&](const std::vector<std::string>& words) {
    return program.line.Offers(words, [](const std::string& name) {
      return name == "host" ? std::vector<std::string>{"web01", "web02", "db01"}
                            : std::vector<std::string>{};
    });
  };
  EXPECT_THAT(offers({"posture", "w"}), ElementsAre("web01", "web02"));
  EXPECT_THAT(offers({"-o", "json", "posture", ""}),
              ElementsAre("web01", "web02", "db01"));
  // It takes one host.
  EXPECT_THAT(offers({"posture", "web01", ""}), IsEmpty());
  EXPECT_THAT(offers({"host", "label", "d"}), ElementsAre("db01"));
  EXPECT_THAT(offers({"host", "label", "db01", "d"}), IsEmpty());
  // The values of an option, and a word after it.
  EXPECT_THAT(offers({"posture", "-o", ""}), ElementsAre("table", "json"));
  EXPECT_THAT(offers({"posture", "--output", "j"}), ElementsAre("json"));
  EXPECT_THAT(offers({"posture", "--advice", "d"}), ElementsAre("db01"));
}

}  // namespace
}  // namespace metsuke
