// From what an operator writes to what is kept: text in, rows, changes and
// errors out.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "controller/known_tables.h"
#include "controller/register_plan.h"
#include "proto/canonical.h"
#include "proto/instant.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kNow = 1767268800;  // 2026-01-01T12:00:00Z
constexpr int64_t kDay = 86400;

class RegisterTest : public testing::Test {
 protected:
  RegisterTest() {
    context_.by = "hanako";
    context_.now = kNow;
    context_.waiver_days_max = 90;
    context_.host =
        [this](const std::string& name) -> absl::StatusOr<v1::HostEntry> {
      for (const v1::HostEntry& host : hosts_)
        if (host.id() == name || host.host() == name) return host;
      return absl::NotFoundError("no host is called \"" + name + "\"");
    };
    context_.control = [](const std::string& id) {
      return id == "no-ftp" ? absl::OkStatus()
                            : absl::NotFoundError("there is no control " + id);
    };
    v1::HostEntry& web = hosts_.emplace_back();
    web.set_id("id-of-web");
    web.set_host("web01");
    for (const char* label : {"env=prod", "owner=taro", "role=web"})
      web.add_labels(label);
  }

  absl::StatusOr<RegisterPlan> Plan(
      const std::vector<std::string>& texts) const {
    std::vector<v1::BaselineFile> files;
    for (const std::string& text : texts) {
      v1::BaselineFile& file = files.emplace_back();
      file.set_name(std::string(1, static_cast<char>('a' + files.size() - 1)) +
                    ".yaml");
      file.set_yaml(text);
    }
    ASSIGN_OR_RETURN(const GivenRegisters given, ReadRegisterFiles(files));
    return PlanRegisters(given, context_, kept_);
  }

  std::string Refusal(const std::string& text) const {
    return Message(Plan({text}).status());
  }

  // What the text changes, "+ KEY" and so on.
  std::vector<std::string> Changes(const std::string& text) const {
    const auto plan = Plan({text});
    if (!plan.ok()) return {Message(plan.status())};
    std::vector<std::string> lines;
    for (const v1::Change& change : plan->changes) {
      std::string& line = lines.emplace_back(change.kind());
      for (const std::string& key : change.key()) line += " " + key;
      for (const v1::ColumnChange& column : change.columns())
        line += " " + column.column() + ":" + column.before() + ">" +
                column.after();
    }
    return lines;
  }

  // A waiver in YAML in which `change` replaces what follows a key.
  static std::string Waiver(std::map<std::string, std::string> change = {}) {
    std::map<std::string, std::string> keys = {
        {"id", "old-ftp"},        {"control", "no-ftp"},
        {"selector", "role=web"}, {"reason", "moves in March"},
        {"approver", "taro"},     {"until", Rfc3339(kNow + 30 * kDay)}};
    for (auto& [key, value] : change) keys[key] = value;
    std::string text;
    for (const auto& [key, value] : keys)
      if (value != "-")
        text += (text.empty() ? "" : ", ") + key + ": \"" + value + "\"";
    return "waivers:\n- {" + text + "}\n";
  }

  // Puts what the text says in force.
  void Keep(const std::string& text) {
    const auto plan = Plan({text});
    ASSERT_TRUE(plan.ok()) << plan.status();
    context_.before = plan->rows;
    for (const TableBody& body : plan->update.bodies)
      kept_[body.table] = body.digest;
  }

  std::vector<v1::HostEntry> hosts_;
  RegisterContext context_;
  TableDigests kept_;
};

TEST_F(RegisterTest, EachHasACheckOfItsOwn) {
  const auto* type = v1::Registers::descriptor();
  for (int i = 0; i < type->field_count(); ++i)
    EXPECT_TRUE(HasCheck(type->field(i)->name()))
        << type->field(i)->name() << ": one line in kChecks is missing";
}

TEST_F(RegisterTest, RowsAreReplacedAndTheRestStays) {
  Keep(
      "admin_sources: [{network: 192.0.2.0/24, about: office}, {network: "
      "192.0.2.9}]");
  EXPECT_THAT(
      Changes("admin_sources: [{network: 192.0.2.0/24, about: home}, "
              "{network: '2001:db8::/48'}]"),
      ElementsAre("changed network=192.0.2.0/24 about:office>home",
                  "removed network=192.0.2.9", "added network=2001:db8::/48"));
  const auto plan = Plan({"admin_sources: []"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->changes.size(), 2u);
  ASSERT_EQ(plan->update.bodies.size(), 1u) << "waivers were not named";
  EXPECT_EQ(plan->update.bodies[0].table, "admin_sources");
  EXPECT_EQ(plan->update.by, "hanako");
}

TEST_F(RegisterTest, ToKeepNoRowIsSomethingElseThanToKeepNothing) {
  EXPECT_THAT(Changes("admin_sources: []"), ElementsAre("kept"));
  Keep("admin_sources: []");
  EXPECT_THAT(Changes("admin_sources: []"), IsEmpty());
  EXPECT_THAT(Refusal("{}"), HasSubstr("no register is named"));
  EXPECT_THAT(Refusal(""), HasSubstr("no register is named"));
}

TEST_F(RegisterTest, FilesArePutTogether) {
  const auto plan = Plan({"admin_sources: [{network: 192.0.2.1}]",
                          "admin_sources: [{network: 192.0.2.2}]"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->rows.admin_sources_size(), 2);
  EXPECT_EQ(Message(Plan({"admin_sources: [{network: 192.0.2.1}]",
                          "admin_sources:\n- network: 192.0.2.1"})
                        .status()),
            "b.yaml:2:3: admin_sources 192.0.2.1: there is another row of this "
            "name");
}

TEST_F(RegisterTest, ANetworkBeginsWithItsFirstAddress) {
  for (const char* wrong : {"192.0.2.5/24", "2001:db8::1/64"})
    EXPECT_THAT(Refusal(std::string("admin_sources:\n- network: ") + wrong),
                testing::HasSubstr("with its first address"));
  for (const char* right : {"192.0.2.5", "192.0.2.4/31", "2001:db8::/64"})
    EXPECT_TRUE(
        Plan({std::string("admin_sources:\n- network: \"") + right + "\"\n"})
            .ok());
}

TEST_F(RegisterTest, ErrorsNamePlaceRowAndReasonAndAllAreTold) {
  EXPECT_EQ(
      Message(Plan({"admin_source: []", "admin_sources: [{net: x}]"}).status()),
      "a.yaml:1:1: Registers has no key \"admin_source\"; did you mean "
      "admin_sources?\n"
      "b.yaml:1:18: AdminSource has no key \"net\"");
  EXPECT_EQ(Refusal("admin_sources:\n- network: 192.0.2.0/33\n"
                    "- {network: '', about: ' x'}\n"),
            "a.yaml:3:13: admin_sources number 2: network: is missing\n"
            "a.yaml:3:24: admin_sources number 2: about: must not begin or end "
            "with a space\n"
            "a.yaml:2:12: admin_sources 192.0.2.0/33: network: is no address "
            "and no network; write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/48");
}

TEST_F(RegisterTest, OfVeryManyErrorsSomeAreToldAndHowManyThereAre) {
  const auto lines = [&](int count) {
    std::string text = "admin_sources:\n";
    for (int i = 0; i < count; ++i)
      text += "- network: x" + std::to_string(i) + "\n";
    const std::string refusal = Refusal(text);
    return std::pair(std::ranges::count(refusal, '\n') + 1,
                     refusal.substr(refusal.rfind('\n') + 1));
  };
  EXPECT_EQ(lines(200).first, 200);
  EXPECT_THAT(lines(200).second, HasSubstr("admin_sources x199"));
  EXPECT_EQ(lines(201), std::pair(std::ptrdiff_t{201}, std::string("and 1 more")));
}

TEST_F(RegisterTest, OneRegisterHasNoMoreThanTwentyThousandRows) {
  v1::Registers rows;
  std::vector<std::string> refused;
  const auto check = [&] {
    CheckRegister(RegisterField("admin_sources"), context_,
                  [&](int, const std::string&, const std::string& why) {
                    refused.push_back(why);
                  },
                  rows);
  };
  for (int i = 0; i < 20'000; ++i)
    rows.add_admin_sources()->set_network("10." + std::to_string(i / 250) + "." +
                                          std::to_string(i % 250) + ".0/24");
  check();
  EXPECT_THAT(refused, IsEmpty());
  rows.add_admin_sources()->set_network("192.0.2.0/24");
  check();
  EXPECT_THAT(refused, ElementsAre("more than 20000 rows"));
}

TEST_F(RegisterTest, HostsSetTheirThreeLabelsAndNoOthers) {
  const auto plan =
      Plan({"hosts: [{host: web01, owner: 田中 花子, role: web}]"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->update.bodies, IsEmpty()) << "labels are the one truth";
  ASSERT_EQ(plan->update.labels.size(), 1u);
  EXPECT_EQ(plan->update.labels[0].host, "id-of-web");
  EXPECT_THAT(plan->update.labels[0].set, ElementsAre("owner=田中 花子"));
  EXPECT_THAT(plan->update.labels[0].remove, IsEmpty());
  EXPECT_THAT(Changes("hosts: [{host: web01, owner: 田中 花子, role: web}]"),
              ElementsAre("changed host=web01 owner:taro>田中 花子"));
  const auto less = Plan({"hosts: [{host: web01, zone: dmz}]"});
  EXPECT_THAT(less->update.labels[0].set, ElementsAre("zone=dmz"));
  EXPECT_THAT(less->update.labels[0].remove, ElementsAre("owner", "role"));
  EXPECT_THAT(Changes("hosts: [{host: web01, owner: taro, role: web}]"),
              IsEmpty());
}

TEST_F(RegisterTest, AHostIsOneOfTheFleetAndNamedOnce) {
  EXPECT_EQ(Refusal("hosts: [{host: web02}]"),
            "a.yaml:1:16: hosts web02: host: no host is called \"web02\"");
  EXPECT_THAT(Refusal("hosts: [{host: web01}, {host: id-of-web}]"),
              HasSubstr("it is the same host as web01"));
  EXPECT_EQ(Refusal("hosts: [{host: web01}, {host: web01}]"),
            "a.yaml:1:24: hosts web01: there is another row of this name");
  EXPECT_THAT(Refusal("hosts: [{host: web01, owner: 'a,b'}]"),
              HasSubstr("owner: label value \"a,b\": must not hold"));
}

TEST_F(RegisterTest, AWaiverIsCompletedWithWhoAndWhen) {
  const auto plan = Plan({Waiver()});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->rows.waivers(0).requester(), "hanako");
  EXPECT_EQ(plan->rows.waivers(0).from(), kNow);
  const auto one = Plan({Waiver({{"selector", "-"}, {"host", "web01"}})});
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->rows.waivers(0).host(), "id-of-web")
      << "a name may come to be another's";
}

TEST_F(RegisterTest, AWaiverNeedsAnotherWhoAgreesAndAReason) {
  for (const char* same : {"hanako", "Hanako", "ｈａｎａｋｏ"})
    EXPECT_THAT(Refusal(Waiver({{"approver", same}})),
                HasSubstr("approver: is the requester"))
        << same;
  EXPECT_THAT(Refusal(Waiver({{"approver", "-"}})), HasSubstr("who agreed?"));
  EXPECT_THAT(Refusal(Waiver({{"reason", ""}})), HasSubstr("why may it fail?"));
  EXPECT_THAT(Refusal(Waiver({{"requester", "jiro"}})),
              HasSubstr("requester: is not hanako, whose certificate brings"));
  EXPECT_THAT(Refusal(Waiver({{"control", "no-such"}})),
              HasSubstr("control: there is no control no-such"));
  EXPECT_THAT(Refusal(Waiver({{"id", "Old FTP"}})), HasSubstr("lower-case"));
}

TEST_F(RegisterTest, AWaiverSaysWhere) {
  EXPECT_THAT(Refusal(Waiver({{"selector", "-"}})),
              HasSubstr("either selector or host"));
  EXPECT_THAT(Refusal(Waiver({{"host", "web01"}})),
              HasSubstr("either selector or host"));
  EXPECT_THAT(Refusal(Waiver({{"selector", "a b"}})), HasSubstr("label key"));
  EXPECT_THAT(Refusal(Waiver({{"selector", ","}})), HasSubstr("label"));
}

TEST_F(RegisterTest, AWaiverHasAnEndThatIsNotFarAndNoPast) {
  const auto with = [](int64_t from, int64_t until) {
    return Waiver({{"from", Rfc3339(from)}, {"until", Rfc3339(until)}});
  };
  EXPECT_EQ(Refusal(with(kNow, kNow + 90 * kDay)), "");
  EXPECT_THAT(Refusal(with(kNow, kNow + 90 * kDay + 1)),
              HasSubstr("until: lies more than 90 days after from; "
                        "2026-04-01T12:00:00Z is the latest"));
  EXPECT_EQ(Refusal(with(kNow + 200 * kDay, kNow + 290 * kDay)), "");
  EXPECT_THAT(Refusal(with(kNow - 1, kNow + kDay)), HasSubstr("back-dated"));
  EXPECT_THAT(Refusal(with(kNow + 5, kNow + 5)),
              HasSubstr("until: does not lie after from"));
  EXPECT_THAT(Refusal(Waiver({{"until", "-"}})), HasSubstr("when does it end"));
  const int64_t last = 253402300799;  // of the year 9999
  EXPECT_EQ(Refusal(with(last - kDay, last)), "");
}

TEST_F(RegisterTest, AWaiverThatWasGivenIsNotChangedButEnded) {
  Keep(Waiver());
  context_.now = kNow + 10 * kDay;
  EXPECT_THAT(Changes(Waiver()), IsEmpty()) << "twice is once";
  context_.by = "jiro";
  EXPECT_THAT(Changes(Waiver()), IsEmpty()) << "whoever applies the file";
  EXPECT_THAT(Refusal(Waiver({{"reason", "another"}})),
              HasSubstr("a waiver is not changed once it was given"));
  const auto until = [](int64_t at) {
    return Waiver({{"until", Rfc3339(at)}});
  };
  EXPECT_THAT(Refusal(until(kNow + 31 * kDay)), HasSubstr("is not changed"));
  EXPECT_THAT(Refusal(until(kNow + 10 * kDay - 1)), HasSubstr("is not changed"))
      << "what was shown as waived was waived";
  EXPECT_EQ(Refusal(until(kNow + 10 * kDay)), "");
  EXPECT_EQ(Refusal(until(kNow + 20 * kDay)), "");
}

TEST_F(RegisterTest, AWaiverDoesNotGoAway) {
  Keep(Waiver());
  EXPECT_EQ(Refusal("waivers: []"),
            "waivers: old-ftp has not ended and is left out; metsukectl waiver "
            "end old-ftp ends it, metsukectl register show waivers -o yaml "
            "writes it");
  context_.now = kNow + 30 * kDay;
  EXPECT_THAT(Changes("waivers: []"), IsEmpty()) << "one that ended stays";
  EXPECT_EQ(Plan({"waivers: []"})->rows.waivers_size(), 1);
}

TEST_F(RegisterTest, APersonIsBehindAnAccountOrAKey) {
  const std::string key = "SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg";
  EXPECT_EQ(Refusal("persons:\n- {identity: alice, person: 田中 花子}\n"
                    "- {identity: alice, selector: role=db, person: Taro}\n"
                    "- {identity: \"" +
                    key + "\", person: 田中 花子, about: the yellow one}\n"),
            "");
  EXPECT_THAT(Changes("persons: [{identity: alice, selector: role=db, person: "
                      "Taro}]"),
              ElementsAre("added identity=alice selector=role=db "
                          "person:>Taro"));
  for (const char* odd : {"alice bob", "-x", "a:b", "SHA256:abc", "/etc", "a,b"})
    EXPECT_THAT(
        Refusal(std::string("persons:\n- identity: \"") + odd +
                "\"\n  person: Hanako\n"),
        AllOf(HasSubstr("a.yaml:2:"),
              HasSubstr("identity: is neither the name of an account nor the "
                        "fingerprint of a key; write alice")))
        << odd;
  EXPECT_EQ(Refusal("persons: [{person: Hanako}]"),
            "a.yaml:1:11: persons number 1: identity: is missing");
  EXPECT_EQ(Refusal("persons: [{identity: alice}]"),
            "a.yaml:1:11: persons alice: person: is missing: who is it?");
  EXPECT_THAT(Refusal("persons: [{identity: alice, selector: a b, person: x}]"),
              HasSubstr("persons alice: selector: selector: label key"));
  EXPECT_THAT(Refusal("persons: [{identity: a, person: x}, {identity: a, "
                      "person: y}]"),
              HasSubstr("there is another row of this name"));
}

TEST_F(RegisterTest, OneBadRowKeepsAllFromChanging) {
  EXPECT_FALSE(Plan({Waiver() + "admin_sources: [{network: 192.0.2.1}]\n"
                                "hosts: [{host: nobody}]\n"})
                   .ok());
}

}  // namespace
}  // namespace metsuke
