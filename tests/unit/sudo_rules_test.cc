#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "collectors/collector.h"
#include "collectors/sudoers_json.h"
#include "proto/status.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectSudoRules(const Host&, v1::Snapshot&);

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Line(const v1::SudoRule& rule) {
  return rule.subject() + " " + rule.hosts() + "=(" + rule.run_as() + ") " +
         (rule.authenticate() ? "" : "NOPASSWD: ") +
         (rule.denied() ? "!" : "") + rule.command();
}

std::vector<std::string> Lines(const v1::Snapshot& snapshot) {
  std::vector<std::string> lines;
  for (const v1::SudoRule& rule : snapshot.sudo_rules())
    lines.push_back(Line(rule));
  return lines;
}

const std::vector<PasswdEntry> kAccounts = {{"alice", "x", 1000, 27},
                                            {"bob", "x", 1001, 100},
                                            {"carol", "x", 1002, 100}};
const std::vector<GroupEntry> kGroups = {
    {"sudo", 27, {"bob"}}, {"ops", 50, {"carol", "bob"}}, {"users", 100, {}}};

v1::Snapshot Parse(const std::string& json) {
  v1::Snapshot snapshot;
  const absl::Status status = ParseSudoers(json, kAccounts, kGroups, snapshot);
  EXPECT_TRUE(status.ok()) << status;
  return snapshot;
}

// One User_Specs entry as cvtsudoers prints it.
std::string Spec(const std::string& user, const std::string& options,
                 const std::string& commands = R"({"command": "ALL"})",
                 const std::string& run_as = "") {
  return R"({"User_List": [)" + user +
         R"(], "Host_List": [{"hostname": "ALL"}], "Cmnd_Specs": [{)" + run_as +
         R"("Options": [)" + options + R"(], "Commands": [)" + commands +
         "]}]}";
}

// Notes what cvtsudoers is said to read.
class Watched : public RecordedHost {
 public:
  using RecordedHost::RecordedHost;
  mutable std::vector<std::string> inputs;

 protected:
  absl::StatusOr<std::string> RunForBytes(
      const std::vector<std::string>&,
      const RunOptions& options) const override {
    inputs = options.inputs;
    return absl::UnavailableError("not run");
  }
};

TEST(SudoRules, AreReadAnewUnlessAllTheirFilesAreKnown) {
  // What the files and one in the usual folder say, and how many are watched.
  const auto watched = [](const std::string& policy, const std::string& part) {
    HostFolder folder;
    folder.Write("kernel", "h\n1\nx86_64\nsynchronized\n");
    folder.Write("etc/sudoers", policy);
    folder.Write("etc/sudoers.d/README", part);
    const Watched host(folder.path());
    v1::Snapshot snapshot;
    (void)CollectSudoRules(host, snapshot);
    return host.inputs.size();
  };
  const std::string usual = "Defaults env_reset\n@includedir /etc/sudoers.d\n";
  // As Debian has it: a comment that speaks of the directive.
  EXPECT_EQ(watched(usual, "# the default /etc/sudoers now includes:\n#\n"
                           "#   @includedir /etc/sudoers.d\n"),
            4u);
  EXPECT_EQ(watched("#includedir /etc/sudoers.d\n", ""), 4u);
  for (const char* other :
       {"@include /etc/sudoers.local", "@includedir /etc/sudoers.d.site",
        "@include /etc/sudoers.d-team", "  @includedir /etc/sudoers.d/../x",
        "@include /srv/x # was /etc/sudoers.d", "#include /etc/x",
        "@includedir /etc/sudoers.d more"}) {
    EXPECT_EQ(watched(usual + other + "\n", ""), 0u) << other;
    EXPECT_EQ(watched(usual, std::string(other) + "\n"), 0u) << other;
  }
}

TEST(SudoRules, AreOneForEachSubjectAndCommand) {
  const v1::Snapshot snapshot = Parse(
      R"({"User_Specs": [)" +
      Spec(R"({"username": "alice"}, {"usergroup": "sudo"}, {"usergid": 5},
              {"netgroup": "ng"}, {"userid": 7}, {"nonunixgroup": "dom"},
              {"username": "bob", "negated": true})",
           R"({"setenv": true})",
           R"({"command": "/bin/ls \"\""},
              {"command": "/bin/su", "negated": true,
               "sha224": ["aa", "bb"], "sha256": "cc"})",
           R"("runasusers": [{"username": "ALL"}, {"userid": 3}],
              "runasgroups": [{"usergroup": "adm"}],)") +
      "]}");
  const std::string list = " ALL=(ALL,#3:adm) /bin/ls \"\"";
  const std::string su =
      " ALL=(ALL,#3:adm) !sha224:aa, sha224:bb, sha256:cc /bin/su";
  EXPECT_THAT(
      Lines(snapshot),
      ElementsAre("alice" + list, "%sudo" + list, "%#5" + list, "+ng" + list,
                  "#7" + list, "%:dom" + list, "alice" + su, "%sudo" + su,
                  "%#5" + su, "+ng" + su, "#7" + su, "%:dom" + su));
}

TEST(SudoRules, SayAsWhomACommandRuns) {
  const auto run_as = [](const std::string& text) {
    return Parse(R"({"User_Specs": [)" +
                 Spec(R"({"username": "x"})", "", R"({"command": "c"})", text) +
                 "]}")
        .sudo_rules(0)
        .run_as();
  };
  EXPECT_EQ(run_as(""), "root");
  EXPECT_EQ(run_as(R"("runasusers": [{"username": "www"}],)"), "www");
  EXPECT_EQ(run_as(R"("runasusers": [{"username": ""}],)"), ":");
  EXPECT_EQ(run_as(R"("runasgroups": [{"usergroup": "adm"}],)"), ":adm");
  EXPECT_EQ(run_as(R"("runasusers": [{"usergroup": "ops"},
                      {"username": "a", "negated": true}],)"),
            "%ops,!a");
}

TEST(SudoRules, TagsOverrideDefaultsForPasswords) {
  const v1::Snapshot snapshot =
      Parse(R"({"Defaults": [{"Options": [{"authenticate": false},
                                          {"runas_default": "www"}]}],
                "User_Specs": [)" +
            Spec(R"({"username": "a"})", "") + "," +
            Spec(R"({"username": "b"})", R"({"authenticate": true})") + "," +
            Spec(R"({"username": "c"})", R"({"authenticate": false})") + "]}");
  EXPECT_THAT(Lines(snapshot),
              ElementsAre("a ALL=(www) NOPASSWD: ALL", "b ALL=(www) ALL",
                          "c ALL=(www) NOPASSWD: ALL"));
}

std::string Bound(const std::string& binding, const std::string& specs) {
  return R"({"Defaults": [{"Binding": [)" + binding +
         R"(], "Options": [{"authenticate": false}]}], "User_Specs": [)" +
         specs + "]}";
}

TEST(SudoRules, GiveARowToWhomDefaultsLetInWithoutAPassword) {
  const std::string sudo = Spec(R"({"usergroup": "sudo"})", "");
  EXPECT_THAT(
      Lines(Parse(Bound(R"({"username": "bob"})", sudo))),
      ElementsAre("%sudo ALL=(root) ALL", "bob ALL=(root) NOPASSWD: ALL"));
  // alice is in sudo by her first group; carol is not in it.
  EXPECT_THAT(
      Lines(Parse(Bound(R"({"username": "carol"}, {"userid": 1000})", sudo))),
      ElementsAre("%sudo ALL=(root) ALL", "alice ALL=(root) NOPASSWD: ALL"));
  // Of two groups, who is in both.
  EXPECT_THAT(
      Lines(Parse(Bound(R"({"usergid": 50})", sudo))),
      ElementsAre("%sudo ALL=(root) ALL", "bob ALL=(root) NOPASSWD: ALL"));
  EXPECT_THAT(Lines(Parse(Bound(R"({"usergroup": "sudo"})", sudo))),
              ElementsAre("%sudo ALL=(root) NOPASSWD: ALL"));
  // The last entry that covers an account decides.
  EXPECT_THAT(
      Lines(Parse(
          Bound(R"({"username": "ALL"}, {"username": "bob", "negated": true})",
                Spec(R"({"username": "bob"}, {"username": "stranger"})", "")))),
      ElementsAre("bob ALL=(root) ALL", "stranger ALL=(root) NOPASSWD: ALL"));
  EXPECT_THAT(Lines(Parse(Bound(R"({"username": "bob"})",
                                Spec(R"({"username": "ALL"})",
                                     R"({"authenticate": true})")))),
              ElementsAre("ALL ALL=(root) ALL"));
}

TEST(SudoRules, ReadTheJsonThatLacksCommasAfterEmptyLists) {
  const std::string printed = R"({
    "User_Specs": [
        {
            "User_List": [
                { "username": "eve" }
            ],
            "Host_List": [
            ]
            "Cmnd_Specs": [
                {
                    "Commands": [
                        { "command": "/bin/id" }
                    ]
                }
            ]
        }
        {
            "User_List": [ { "username": "foo" } ],
            "Host_List": [ { "hostname": "ALL" } ],
            "Cmnd_Specs": [
                { "Commands": [ { "command": "/a\\\"} {[\\" } ] }
            ]
        }
    ]
})";
  EXPECT_THAT(Lines(Parse(printed)),
              ElementsAre("foo ALL=(root) /a\\\"} {[\\"));
}

TEST(SudoRules, RefuseWhatIsNoPolicy) {
  v1::Snapshot snapshot;
  for (const std::string& bad :
       {std::string("["), std::string("3"), std::string("{\"User_Specs\": ["),
        std::string(200'000, '['),
        "{\"a\":" + std::string(200'000, '[') + std::string(200'000, ']') + "}",
        std::string("\"\\"), std::string("{\"a\":\"\\ud800\"}x")})
    EXPECT_FALSE(ParseSudoers(bad, {}, {}, snapshot).ok()) << bad.substr(0, 20);
  // Other types than expected in every place hold no rule and throw nothing.
  for (const char* odd :
       {R"({"User_Specs": {}, "Defaults": 3})",
        R"({"User_Specs": [3, [], ""]})",
        R"({"User_Specs": [{"Host_List": [1], "Cmnd_Specs": [[]]}]})",
        R"({"User_Specs": [{"Host_List": [1], "Cmnd_Specs": [{"Commands":
            [{"command": {}}], "Options": [7]}]}]})"})
    EXPECT_TRUE(ParseSudoers(odd, {}, {}, snapshot).ok()) << odd;
  EXPECT_THAT(Lines(snapshot), IsEmpty());
}

TEST(SudoRules, NameDefaultsThatCannotBeLaidOnRules) {
  v1::Snapshot snapshot;
  ASSERT_TRUE(ParseBoundDefaults(
                  R"({"Defaults": [{"Binding": [{"hostname": "web"}],
                      "Options": [{"authenticate": false}]},
                     {"Binding": [{"command": "/x"}],
                      "Options": [{"noexec": true}]}]})",
                  snapshot)
                  .ok());
  ASSERT_EQ(snapshot.gaps_size(), 1);
  EXPECT_EQ(snapshot.gaps(0).subject(), "Defaults for web");
  ASSERT_TRUE(ParseBoundDefaults("\n\n", snapshot).ok());
  Parse("").CheckInitialized();
  EXPECT_EQ(Parse(R"({"Defaults": [{"Options": [{"exempt_group": "adm"}]}]})")
                .gaps_size(),
            1);
}

constexpr char kGlobal[] =
    "commands/%usr%bin%cvtsudoers -f json -e -c %dev%null -d global,user "
    "%etc%sudoers";
constexpr char kBound[] =
    "commands/%usr%bin%cvtsudoers -f json -e -c %dev%null -d "
    "host,runas,command -s aliases,privileges %etc%sudoers";

TEST(SudoRules, AreAbsentWithoutSudoAndUnknownWithAnotherSudo) {
  HostFolder folder;
  folder.Write("kernel", "h\n1\nx86_64\nsynchronized\n");
  v1::Snapshot snapshot;
  EXPECT_TRUE(
      IsAbsent(CollectSudoRules(RecordedHost(folder.path()), snapshot)));
  folder.Write("usr/bin/sudo", "");
  const absl::Status status =
      CollectSudoRules(RecordedHost(folder.path()), snapshot);
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_FALSE(IsAbsent(status));
}

TEST(SudoRules, FailWithTheFirstLineOfTheCause) {
  HostFolder folder;
  folder.Write("kernel", "h\n1\nx86_64\nsynchronized\n");
  folder.Write(std::string(kGlobal) + ".error",
               "/etc/sudoers:3:30: syntax error\neve ALL = x\n   ^\n");
  v1::Snapshot snapshot;
  const absl::Status status =
      CollectSudoRules(RecordedHost(folder.path()), snapshot);
  EXPECT_EQ(Message(status), "/etc/sudoers:3:30: syntax error");
  EXPECT_FALSE(IsAbsent(status));
}

TEST(SudoRules, NameADirectoryThatGivesMoreRules) {
  HostFolder folder;
  folder.Write("kernel", "h\n1\nx86_64\nsynchronized\n");
  folder.Write(kGlobal, R"({"User_Specs": [)" +
                            Spec(R"({"username": "root"})", "") + "]}");
  folder.Write(kBound, "\n");
  folder.Write("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
  folder.Write("etc/group", "root:x:0:\n");
  folder.Write("etc/nsswitch.conf", "passwd: files sss\nsudoers: files sss\n");
  v1::Snapshot snapshot;
  ASSERT_TRUE(CollectSudoRules(RecordedHost(folder.path()), snapshot).ok());
  EXPECT_THAT(Lines(snapshot), ElementsAre("root ALL=(root) ALL"));
  ASSERT_EQ(snapshot.gaps_size(), 1);
  EXPECT_THAT(snapshot.gaps(0).reason(), HasSubstr("sss"));
}

}  // namespace
}  // namespace metsuke
