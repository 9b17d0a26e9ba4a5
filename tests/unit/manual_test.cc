// Manual pages and shipped configurations, held against the programs and the
// messages they speak of.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "controller/delivery/recipients.h"
#include "proto/config.pb.h"
#include "proto/file.h"
#include "proto/text.h"

namespace metsuke {
namespace {

using ::testing::HasSubstr;

std::string Content(const std::string& path) {
  const auto text = ReadFile(METSUKE_SOURCE "/packaging/" + path);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

std::string Help(const std::string& program, const std::string& command = "") {
  const std::string call =
      METSUKE_BINARY "/bin/" + program + ' ' + command + " --help </dev/null";
  std::string text;
  std::FILE* const pipe = popen(call.c_str(), "r");
  std::array<char, 4096> buffer;
  while (size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
    text.append(buffer.data(), got);
  EXPECT_EQ(pclose(pipe), 0) << call;
  return text;
}

// The first word of each line of a section of --help.
std::vector<std::string> Section(const std::string& help,
                                 const std::string& title) {
  std::vector<std::string> words;
  std::istringstream lines(help);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (line == title + ":") {
      inside = true;
    } else if (line.empty()) {
      inside = false;
    } else if (inside &&
               std::regex_search(line, match, std::regex("^  (\\S+)"))) {
      words.push_back(match[1]);
    }
  }
  return words;
}

// Commands as one types them, "host list".
std::set<std::string> Commands(const std::string& program,
                               const std::string& above = "") {
  std::set<std::string> commands;
  const auto below = Section(Help(program, above), "Subcommands");
  if (below.empty() && !above.empty()) return {above};
  for (const std::string& name : below)
    commands.merge(
        Commands(program, above.empty() ? name : above + ' ' + name));
  return commands;
}

TEST(Manual, HasAnEntryForEachCommandOfMetsukectlAndNoOther) {
  const std::string page = Content("man/metsukectl.1.scd");
  const std::string part =
      page.substr(page.find("# COMMANDS"),
                  page.find("# OPTIONS") - page.find("# COMMANDS"));
  std::set<std::string> entries;
  const std::regex entry("\n\\*([a-z -]+)\\*[^\n]*\n\t");
  for (std::sregex_iterator i(part.begin(), part.end(), entry), end; i != end;
       ++i)
    entries.insert((*i)[1]);
  const auto commands = Commands("metsukectl");
  EXPECT_GT(commands.size(), 20u);
  EXPECT_EQ(entries, commands);
}

TEST(Manual, NamesEachCommandAndOptionOfAProgram) {
  for (const std::string program :
       {"metsuke-agent", "metsuke-collect", "metsuke-controller", "metsuke-ca",
        "metsuke-enrol", "metsukectl"}) {
    const std::string page = Content(
        "man/" + program + (program == "metsukectl" ? ".1" : ".8") + ".scd");
    const auto options = Section(Help(program), "Options");
    EXPECT_GT(options.size(), 2u) << program;
    for (const std::string& names : options) {
      if (names == "-h,--help" || names == "--version") continue;
      std::istringstream each(names);
      for (std::string name; std::getline(each, name, ',');)
        EXPECT_THAT(page, HasSubstr('*' + name + '*')) << program;
    }
    const auto commands = Section(Help(program), "Subcommands");
    EXPECT_EQ(commands.empty(), program == "metsuke-collect" ||
                                    program == "metsuke-controller" ||
                                    program == "metsuke-enrol")
        << program;
    for (const std::string& command : commands)
      EXPECT_THAT(page, HasSubstr('*' + command)) << program;
  }
}

// What a configuration says once each key that stands behind a # is in force.
std::string Uncommented(const std::string& yaml) {
  return std::regex_replace(yaml, std::regex("(^|\n)#([a-z_]+: )"), "$1$2");
}

template <typename Config>
void Check(const std::string& file, const std::string& page) {
  const std::string yaml = Content("etc/" + file);
  Config shipped, whole;
  EXPECT_TRUE(ReadYaml(file, yaml, shipped).ok()) << file;
  const absl::Status status = ReadYaml(file, Uncommented(yaml), whole);
  EXPECT_TRUE(status.ok()) << status;
  const std::string manual = Content("man/" + page);
  const auto* type = Config::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const std::string key = type->field(i)->name();
    EXPECT_THAT(Uncommented("\n" + yaml), HasSubstr("\n" + key + ": "));
    EXPECT_THAT(manual, HasSubstr('*' + key + '*')) << page;
  }
}

TEST(Configuration, EachShippedFileHasEveryKeyAndSoHasItsManual) {
  Check<v1::AgentConfig>("agent.yaml", "metsuke-agent.yaml.5.scd");
  Check<v1::CollectConfig>("collect.yaml", "metsuke-agent.yaml.5.scd");
  Check<v1::ControllerConfig>("controller.yaml",
                              "metsuke-controller.yaml.5.scd");
  Check<v1::DeliveryConfig>("delivery.yaml", "metsuke-delivery.yaml.5.scd");
  Check<v1::AuthorityConfig>("ca.yaml", "metsuke-controller.yaml.5.scd");
  Check<v1::EnrolConfig>("enrol.yaml", "metsuke-controller.yaml.5.scd");
  const std::string delivery = Content("man/metsuke-delivery.yaml.5.scd");
  for (const auto* type :
       {v1::MailConfig::descriptor(), v1::Recipient::descriptor()})
    for (int i = 0; i < type->field_count(); ++i)
      EXPECT_THAT(delivery, HasSubstr('*' + type->field(i)->name() + '*'));
}

TEST(Configuration, TheShippedExamplesOfRecipientsCanBeServed) {
  std::string yaml = Uncommented(Content("etc/delivery.yaml"));
  yaml = std::regex_replace(yaml, std::regex("recipients: \\[\\]"),
                            "recipients:");
  yaml = std::regex_replace(yaml, std::regex("\n# - "), "\n- ");
  const auto rules = ReadDelivery("delivery.yaml", yaml);
  ASSERT_TRUE(rules.ok()) << rules.status();
  EXPECT_THAT(rules->problems, testing::IsEmpty());
  EXPECT_EQ(rules->config.recipients_size(), 5);
}

}  // namespace
}  // namespace metsuke
