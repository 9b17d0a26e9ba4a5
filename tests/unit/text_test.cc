#include "proto/text.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "proto/baseline.pb.h"
#include "proto/config.pb.h"
#include "proto/instant.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::HasSubstr;

std::string Refusal(const std::string& yaml) {
  v1::Baseline baseline;
  return Message(ReadYaml("my.yaml", yaml, baseline));
}

std::string ConfigRefusal(const std::string& yaml) {
  v1::AgentConfig config;
  return Message(ReadYaml("agent.yaml", yaml, config));
}

TEST(ReadYaml, FillsEveryKindOfField) {
  v1::Baseline baseline;
  const absl::Status status = ReadYaml("my.yaml", R"(
controls:
- id: x
  statements: [MT-01, 'MT-02']
  title: {en: A, ja: 目付}
  severity: critical
  flags:
    accounts:
    - {name: no, uid: 4294967295, password_max_days: -1, system: true,
       expires: 2026-01-31, last_login: 2026-01-31T00:00:01Z, password: set,
       password_changed: -5}
    groups: [{name: '10', members: [a, "b"]}]
)",
                                       baseline);
  ASSERT_TRUE(status.ok()) << status;
  const v1::Control& control = baseline.controls(0);
  EXPECT_EQ(control.statements(1), "MT-02");
  EXPECT_EQ(control.title().ja(), "目付");
  EXPECT_EQ(control.severity(), v1::SEVERITY_CRITICAL);
  const v1::Account& account = control.flags().facts().accounts(0);
  EXPECT_EQ(account.name(), "no");
  EXPECT_EQ(account.uid(), 4294967295u);
  EXPECT_EQ(account.password_max_days(), -1);
  EXPECT_TRUE(account.system());
  EXPECT_EQ(account.expires(), 1769817600);
  EXPECT_EQ(account.last_login(), 1769817601);
  EXPECT_EQ(account.password_changed(), -5);
  EXPECT_EQ(control.flags().facts().groups(0).members(1), "b");
}

TEST(ReadYaml, NothingIsAnEmptyMessage) {
  for (const char* yaml : {"", "\n# only a comment\n", "---\n", "{}"})
    EXPECT_EQ(Refusal(yaml), "") << yaml;
}

TEST(ReadYaml, ErrorsNameThePlaceAndSuggest) {
  EXPECT_EQ(Refusal("controls:\n- id: x\n  violatoins: SELECT 1"),
            "my.yaml:3:3: Control has no key \"violatoins\"; did you mean "
            "violations?");
  EXPECT_EQ(Refusal("controls: [{severity: hihg}]"),
            "my.yaml:1:23: Severity is one of low, medium, high, critical, "
            "not \"hihg\"; did you mean high?");
  EXPECT_EQ(Refusal("controls: [{flags: {prots: []}}]"),
            "my.yaml:1:21: Example has no key \"prots\"; did you mean ports?");
  EXPECT_EQ(Refusal("controls: [{flags: {ports: [{protocol: TCP}]}}]"),
            "my.yaml:1:40: protocol is one of tcp, udp, not \"TCP\"; did you "
            "mean tcp?");
}

TEST(ReadYaml, OneReadingTellsAllThatIsWrong) {
  EXPECT_EQ(Refusal("controls:\n- idd: x\n- {severity: unspecified}\n"),
            "my.yaml:2:3: Control has no key \"idd\"; did you mean id?\n"
            "my.yaml:3:14: Severity is one of low, medium, high, critical, "
            "not \"unspecified\"");
}

TEST(ReadYaml, AKeyWrittenTwiceIsRefused) {
  EXPECT_EQ(Refusal("controls: []\ncontrols: []"),
            "my.yaml:2:1: controls was already written in line 1");
}

TEST(ReadYaml, ValuesOfTheWrongKindAreRefused) {
  EXPECT_THAT(Refusal("controls: x"), HasSubstr("controls is a list"));
  EXPECT_THAT(Refusal("- a"),
              HasSubstr("expected the keys of Baseline, found a list"));
  EXPECT_THAT(Refusal("controls: [{id: [a]}]"),
              HasSubstr("id is one value, found a list"));
  EXPECT_THAT(Refusal("controls: [{id: {a: b}}]"),
              HasSubstr("found keys and values"));
  EXPECT_THAT(Refusal("controls: [x]"),
              HasSubstr("expected the keys of Control, found \"x\""));
  EXPECT_THAT(Refusal("controls: [{id: }]"), HasSubstr("id has no value"));
  EXPECT_THAT(Refusal("controls: [{id: null}]"), HasSubstr("id has no value"));
  EXPECT_THAT(
      Refusal("controls: [{flags: {accounts: [{system: yes}]}}]"),
      HasSubstr("expected true or false without quotes, found \"yes\""));
  EXPECT_THAT(Refusal("? [a, b]\n: c"),
              HasSubstr("Baseline has no key a list"));
}

TEST(ReadYaml, NumbersKeepTheirBounds) {
  const auto interval = [](const std::string& value) {
    return ConfigRefusal("interval_seconds: " + value);
  };
  EXPECT_EQ(interval("4294967295"), "");
  EXPECT_THAT(interval("4294967296"),
              HasSubstr("from 0 to 4294967295, not 4294967296"));
  EXPECT_THAT(interval("99999999999999999999999"), HasSubstr("from 0 to"));
  EXPECT_THAT(interval("-1"), HasSubstr("from 0 to 4294967295, not -1"));
  for (const char* odd :
       {"1.5", "010", "0x10", "+1", "--1", "\"5\"", "ten", "1 2"})
    EXPECT_THAT(interval(odd), HasSubstr("is a whole number")) << odd;
  EXPECT_EQ(ConfigRefusal("spool_bytes: 18446744073709551615"), "");
  EXPECT_THAT(ConfigRefusal("spool_bytes: 18446744073709551616"),
              HasSubstr("from 0 to"));
  const auto days = [](const std::string& value) {
    return Refusal("controls: [{flags: {accounts: [{password_max_days: " +
                   value + "}]}}]");
  };
  EXPECT_EQ(days("-2147483648"), "");
  EXPECT_THAT(days("-2147483649"), HasSubstr("from -2147483648 to 2147483647"));
}

TEST(ReadYaml, WhatReadsDifferentlyElsewhereIsRefused) {
  EXPECT_THAT(Refusal("controls: &a []"), HasSubstr("anchors"));
  EXPECT_THAT(Refusal("controls: [&a {id: x}, *a]"), HasSubstr("anchors"));
  EXPECT_THAT(Refusal("controls: !!python/object []"), HasSubstr("tags"));
  EXPECT_THAT(Refusal("controls: [{id: !!str x}]"), HasSubstr("tags"));
  EXPECT_THAT(Refusal("controls: []\n---\ncontrols: []"),
              HasSubstr("a second document"));
  EXPECT_THAT(Refusal("controls: [{id: x\x04}]"),
              HasSubstr("my.yaml:1:18: the control character U+0004"));
  EXPECT_THAT(Refusal("controls: []\n\xFF"),
              HasSubstr("my.yaml:2:1: not UTF-8 (byte 14 of the file is ff); a "
                        "Shift_JIS file becomes it by iconv"));
  EXPECT_THAT(Refusal("<<: {controls: []}"), HasSubstr("no key"));
}

TEST(ReadYaml, DepthAndSizeAreBounded) {
  std::string list, map, block, keys;
  for (int i = 0; i < 100'000; ++i) {
    list += '[';
    map += "{a: ";
    block += "- ";
    keys += "? ";
  }
  for (const std::string& deep : {list, map, block, keys})
    EXPECT_THAT(Refusal(deep), HasSubstr("more than 32 levels"));
  const auto lists = [](int depth) {
    return Refusal(std::string(depth, '[') + std::string(depth, ']'));
  };
  EXPECT_THAT(lists(32), HasSubstr("found a list"));
  EXPECT_THAT(lists(33), HasSubstr("more than 32 levels"));
  std::string many = "controls: [";
  for (int i = 0; i < 200'001; ++i) many += "a,";
  EXPECT_THAT(Refusal(many + "]"), HasSubstr("more than 200000 values"));
  EXPECT_THAT(Refusal(std::string((4 << 20) + 1, ' ')),
              HasSubstr("4194304 are allowed"));
}

TEST(ReadYaml, SyntaxErrorsHaveAPlace) {
  EXPECT_THAT(Refusal("controls:\n- {id: x\n"), HasSubstr("my.yaml:3:1: "));
  EXPECT_THAT(Refusal("controls:\n\t- a"), HasSubstr("my.yaml:2:2: "));
}

TEST(ReadYaml, PlacesOfControlsAreTold) {
  v1::Baseline baseline;
  YamlPlaces places;
  ASSERT_TRUE(
      ReadYaml("m",
               "controls:\n- id: a\n- id: b\n  violations: >\n    SELECT 1\n",
               baseline, &places)
          .ok());
  EXPECT_EQ(places["controls[1]"].line, 3);
  EXPECT_EQ(places["controls[1].id"].column, 7);
  EXPECT_EQ(places["controls[1].violations"].line, 4);
}

TEST(ReadYaml, ErrorsAreSafeToShow) {
  EXPECT_EQ(Refusal("\"\\e[31m\": 1").find('\x1b'), std::string::npos);
}

TEST(WriteYaml, IsReadBack) {
  v1::Baseline baseline, again;
  v1::Control& control = *baseline.add_controls();
  control.set_id("- #\n\"x\": \\ \x1b\u2028");
  control.add_statements("MT-01");
  control.mutable_title()->set_en("yes");
  control.set_severity(v1::SEVERITY_HIGH);
  control.mutable_flags()
      ->mutable_facts()
      ->add_accounts()
      ->set_password_max_days(-1);
  control.mutable_flags()->mutable_facts()->add_ports();
  control.mutable_flags()->mutable_facts()->add_groups()->add_members("");
  baseline.add_controls()->mutable_clears();
  // Every field is written, so a column with `values` needs one of them.
  baseline.mutable_controls(0)
      ->mutable_flags()
      ->mutable_facts()
      ->mutable_accounts(0)
      ->set_uid(7);
  const absl::Status status = ReadYaml("m", WriteYaml(baseline), again);
  ASSERT_TRUE(status.ok()) << status << WriteYaml(baseline);
  EXPECT_TRUE(MessageDifferencer::Equals(baseline, again))
      << WriteYaml(baseline);
}

TEST(WriteYaml, ShowsWhatWasNotSetToo) {
  v1::CollectConfig config;
  EXPECT_EQ(WriteYaml(config), "socket: \"\"\nagent_uid: 0\n");
}

TEST(Nearest, FindsSlipsAndNothingElse) {
  const std::vector<std::string> words = {"ports", "packages", "password"};
  EXPECT_EQ(Nearest("prots", words), "ports");
  EXPECT_EQ(Nearest("package", words), "packages");
  EXPECT_EQ(Nearest("PASSWORD", words), "password");
  EXPECT_EQ(Nearest("zebra", words), "");
  EXPECT_EQ(Nearest("", words), "");
}

TEST(Instant, IsReadAndWritten) {
  EXPECT_EQ(Rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(Rfc3339(-1), "1969-12-31T23:59:59Z");
  EXPECT_EQ(Rfc3339(253402300799), "9999-12-31T23:59:59Z");
  EXPECT_EQ(Rfc3339(INT64_MAX), "9223372036854775807");
  EXPECT_EQ(Rfc3339(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(ParseInstant("2024-02-29"), 1709164800);
  EXPECT_EQ(ParseInstant("2024-02-29T00:00:01Z"), 1709164801);
  EXPECT_EQ(ParseInstant("2024-02-29T09:00:01+09:00"), 1709164801);
  EXPECT_EQ(ParseInstant("2024-02-28T20:30:01-03:30"), 1709164801);
  EXPECT_EQ(ParseInstant("2024-02-29T00:00:01.999999Z"), 1709164801);
  EXPECT_EQ(ParseInstant("2024-02-29T09:00:01.5+09:00"), 1709164801);
  for (const char* odd :
       {"2023-02-29", "2024-2-29", "2024-02-29T24:00:00Z",
        "2024-02-29 00:00:00Z", "20240229", "2024-13-01", "",
        "2024-02-29T00:00:00", "2024-02-29T00:00:00.Z", "2024-02-29T00:00:00.5",
        "2024-02-29T00:00:00+0900", "2024-02-29T00:00:00+24:00",
        "2024-02-29T00:00:00+09:60", "2024-02-29T00:00:00ZZ",
        "2024-02-29T00:00:00 09:00", "2024-02-29T00:00:00+09:00Z"})
    EXPECT_EQ(ParseInstant(odd), std::nullopt) << odd;
}

}  // namespace
}  // namespace metsuke
