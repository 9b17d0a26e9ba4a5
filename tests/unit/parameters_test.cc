#include "controller/judge/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/judge/baseline.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using ::testing::HasSubstr;

v1::Parameter Number(const std::string& name, int64_t number) {
  v1::Parameter parameter;
  parameter.set_name(name);
  parameter.set_number(number);
  return parameter;
}

v1::Parameter List(const std::string& name,
                   const std::vector<std::string>& list) {
  v1::Parameter parameter;
  parameter.set_name(name);
  parameter.mutable_list()->Assign(list.begin(), list.end());
  return parameter;
}

class ParametersTest : public testing::Test {
 protected:
  ParametersTest() {
    EXPECT_TRUE(parameters_.Set(Number("days", 90)).ok());
    EXPECT_TRUE(parameters_.Set(Number("days_of_web", -1)).ok());
    EXPECT_TRUE(parameters_.Set(List("nets", {"192.0.2.0/24", "it's \"x\""})).ok());
    EXPECT_TRUE(parameters_.Set(List("none", {})).ok());
  }

  std::string Expand(const std::string& sql) {
    unset_.clear();
    const auto expanded = parameters_.Expand(sql, unset_);
    return expanded.ok() ? *expanded : "no " + Message(expanded.status());
  }

  Parameters parameters_;
  std::string unset_;
};

TEST_F(ParametersTest, StandForTheirValues) {
  EXPECT_EQ(Expand("x < $days*$days_of_web"), "x < 90*-1");
  EXPECT_EQ(Expand("json_each($nets)"),
            R"(json_each('["192.0.2.0/24","it''s \"x\""]'))");
  EXPECT_EQ(unset_, "");
  EXPECT_EQ(Expand("json_each($none) + $days"), "json_each('[]') + 90");
  EXPECT_EQ(unset_, "none");
  EXPECT_EQ(Expand("$day"), "no day");
  EXPECT_EQ(Expand("$"), "no ");
  EXPECT_EQ(parameters_.ExpandNumbers("$days日, $days_of_web, $nets, $else"),
            "90日, -1, $nets, $else");
}

TEST_F(ParametersTest, DoNotStandInTextsNamesAndComments) {
  for (const char* sql :
       {"'$days'", "\"$days\"", "`$days`", "[$days]", "-- $days", "/* $days */",
        "'it''s $days'", "'unfinished $days"})
    EXPECT_EQ(Expand(sql), sql);
  EXPECT_EQ(Expand("'a' - $days -- $days\n$days"), "'a' - 90 -- $days\n90");
}

TEST_F(ParametersTest, HaveANameAndOneKindOfValue) {
  for (const char* name : {"", "Days", "1day", "a-b", "a b", "_a"})
    EXPECT_FALSE(parameters_.Set(Number(name, 1)).ok()) << name;
  v1::Parameter both = List("both", {"x"});
  both.set_number(1);
  EXPECT_FALSE(parameters_.Set(both).ok());
}

constexpr char kControl[] = R"(
  - id: few-ports
    statements: [MT-01]
    title: {en: "At most port $most", ja: "$most まで"}
    severity: high
    violations: SELECT port FROM ports WHERE port > $most OR EXISTS (SELECT 1 FROM json_each($extra) WHERE value = port)
    given: [{name: most, number: 100}, {name: extra, list: ["7"]}]
    flags: {ports: [{port: 101}]}
    clears: {ports: [{port: 100}]}
)";

absl::StatusOr<CompiledBaseline> Load(const std::string& parameters,
                                      const std::string& controls = kControl) {
  v1::BaselineFile values, file;
  values.set_name("parameters.yaml");
  values.set_yaml("parameters:\n" + parameters);
  file.set_name("my.yaml");
  file.set_yaml("controls:\n" + controls);
  // What a control refers to may stand in a file that comes later.
  return LoadBaseline({file, values});
}

constexpr char kMost[] = "  - {name: most, about: {en: a, ja: b}, number: 5}\n";
constexpr char kExtra[] = "  - {name: extra, about: {en: ports, ja: b}, list: [9]}\n";
constexpr char kUndecided[] = "  - {name: extra, about: {en: ports, ja: b}}\n";

Judgement Judge(const CompiledBaseline& baseline, int port) {
  Tables tables = *Tables::Open();
  v1::Snapshot snapshot;
  if (port > 0) snapshot.add_ports()->set_port(static_cast<uint32_t>(port));
  EXPECT_TRUE(tables.LoadAll(snapshot).ok());
  return Evaluate(baseline.controls[0], tables, Sight::Clear(), 0, {});
}

TEST(BaselineParameters, DecideAndTheExamplesHaveTheirOwn) {
  const auto baseline = Load(std::string(kMost) + kExtra);
  ASSERT_TRUE(baseline.ok()) << baseline.status();
  EXPECT_EQ(baseline->controls[0].control.title().en(), "At most port 5");
  EXPECT_EQ(Judge(*baseline, 6).verdict, v1::VERDICT_FAIL);
  EXPECT_EQ(Judge(*baseline, 5).verdict, v1::VERDICT_PASS);
  const auto other = Load(std::string(kExtra) +
                          "  - {name: most, about: {en: a, ja: b}, number: 6}\n");
  EXPECT_NE(other->controls[0].digest, baseline->controls[0].digest);
  EXPECT_NE(other->version, baseline->version);
}

TEST(BaselineParameters, WhatNobodyDecidedOnMakesUnknown) {
  const auto baseline = Load(std::string(kMost) + kUndecided);
  ASSERT_TRUE(baseline.ok()) << baseline.status();
  const Judgement judgement = Judge(*baseline, 6);
  EXPECT_EQ(judgement.verdict, v1::VERDICT_UNKNOWN);
  EXPECT_EQ(judgement.reason.raw(),
            "nobody has decided on $extra (ports): write it into the baseline's "
            "parameters and apply it");
}

TEST(BaselineParameters, ErrorsNameThePlace) {
  const auto why = [](const auto& baseline) { return Message(baseline.status()); };
  EXPECT_THAT(why(Load(kMost)),
              HasSubstr("my.yaml:7:17: control few-ports: violations: there is "
                        "no parameter $extra"));
  EXPECT_THAT(why(Load(std::string(kMost) + kExtra + kMost)),
              HasSubstr("parameters.yaml:4:12: parameter most: it was already "
                        "written at parameters.yaml:2:12"));
  EXPECT_EQ(why(Load("  - {name: most, number: x}\n")),
            "parameters.yaml:2:26: number is a whole number, not \"x\"")
      << "and not that what stands there is missing";
  std::string cidr = kControl;
  cidr.replace(cidr.find("value = port"), 12, "in_cidr('192.0.2.1', value)");
  cidr.replace(cidr.find("\"7\""), 3, "10.0.0.0/8");
  EXPECT_THAT(why(Load("  - {name: most, about: {en: a, ja: b}, number: 500}\n"
                       "  - {name: extra, about: {en: a, ja: b}, list: [10.0.0.0/99]}\n",
                       cidr)),
              HasSubstr("control few-ports: with the values of its parameters: "
                        "violations: "));
  EXPECT_THAT(why(Load("  - {name: most, number: 5}\n")),
              HasSubstr("parameter most: about is missing"));
  std::string control = kControl;
  control.replace(control.find("name: most"), 10, "name: mist");
  EXPECT_THAT(why(Load(std::string(kMost) + kExtra, control)),
              HasSubstr("my.yaml:8:12: control few-ports: there is no parameter mist"));
}

}  // namespace
}  // namespace metsuke
