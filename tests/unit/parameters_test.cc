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

class ParametersTest : public testing::Test {
 protected:
  ParametersTest() {
    EXPECT_TRUE(parameters_.Set(Number("days", 90)).ok());
    EXPECT_TRUE(parameters_.Set(Number("days_of_web", -1)).ok());
  }

  std::string Expand(const std::string& sql) {
    const auto expanded = parameters_.Expand(sql);
    return expanded.ok() ? *expanded : "no " + Message(expanded.status());
  }

  Parameters parameters_;
};

TEST_F(ParametersTest, StandForTheirValues) {
  EXPECT_EQ(Expand("x < $days*$days_of_web"), "x < 90*-1");
  EXPECT_EQ(Expand("$day"), "no day");
  EXPECT_EQ(Expand("$"), "no ");
  EXPECT_EQ(parameters_.ExpandSentence("$days日, $days_of_web, $else"),
            "90日, -1, $else");
}

TEST_F(ParametersTest, DoNotStandInTextsNamesAndComments) {
  for (const char* sql :
       {"'$days'", "\"$days\"", "`$days`", "[$days]", "-- $days", "/* $days */",
        "'it''s $days'", "'unfinished $days"})
    EXPECT_EQ(Expand(sql), sql);
  EXPECT_EQ(Expand("'a' - $days -- $days\n$days"), "'a' - 90 -- $days\n90");
}

TEST_F(ParametersTest, HaveANameAndANumber) {
  for (const char* name : {"", "Days", "1day", "a-b", "a b", "_a"})
    EXPECT_FALSE(parameters_.Set(Number(name, 1)).ok()) << name;
  v1::Parameter none;
  none.set_name("none");
  EXPECT_FALSE(parameters_.Set(none).ok());
}

constexpr char kControl[] = R"(
  - id: few-ports
    statements: [MT-01]
    title: {en: "At most port $most", ja: "$most まで"}
    severity: high
    violations: SELECT port FROM ports WHERE port > $most OR port = $extra
    given: [{name: most, number: 100}, {name: extra, number: 7}]
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
constexpr char kExtra[] =
    "  - {name: extra, about: {en: ports, ja: b}, number: 9}\n";

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
  EXPECT_THAT(why(Load("  - {name: most, number: 5}\n")),
              HasSubstr("parameter most: about is missing"));
  std::string control = kControl;
  control.replace(control.find("name: most"), 10, "name: mist");
  EXPECT_THAT(why(Load(std::string(kMost) + kExtra, control)),
              HasSubstr("my.yaml:8:12: control few-ports: there is no parameter mist"));
}

}  // namespace
}  // namespace metsuke
