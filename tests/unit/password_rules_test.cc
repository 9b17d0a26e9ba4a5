// What PAM asks of a new password, by example; against libpwquality itself for
// what its files and arguments come to.

#include <dlfcn.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>
#include <random>

#include "collectors/collector.h"
#include "collectors/gaps.h"
#include "collectors/password_stack.h"
#include "collectors/pwquality_conf.h"
#include "collectors/words.h"
#include "proto/status.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectPasswordRules(const Host&, v1::Snapshot&);

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Outcome {
  absl::Status status;
  v1::Snapshot snapshot;
};
Outcome Collect(const HostFolder& folder) {
  Outcome outcome;
  outcome.status =
      CollectPasswordRules(RecordedHost(folder.path()), outcome.snapshot);
  return outcome;
}

// "VALUE SOURCE", with "!" at the end when it is not enforced; empty when there
// is no such row.
std::string Rule(const v1::Snapshot& snapshot, const std::string& module,
                 const std::string& option, uint32_t call = 1) {
  for (const v1::PasswordRule& row : snapshot.password_rules())
    if (row.module() == module && row.option() == option && row.call() == call)
      return row.value() + " " + row.source() + (row.enforced() ? "" : "!");
  return "";
}

TEST(PasswordRules, OfPamUnixAloneAreAFindingToo) {
  HostFolder folder;
  folder.Write("etc/pam.d/passwd", "#\n@include common-password\n");
  folder.Write("etc/pam.d/common-password",
               "password [success=1 default=ignore] pam_unix.so obscure "
               "yescrypt\npassword requisite pam_deny.so\n"
               "password required pam_permit.so\n");
  const auto [status, snapshot] = Collect(folder);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Rule(snapshot, "pam_unix.so", "control"),
            "[success=1 default=ignore] /etc/pam.d/common-password:1");
  EXPECT_EQ(Rule(snapshot, "pam_unix.so", "minlen"), "0 default");
  EXPECT_EQ(snapshot.password_rules_size(), 4);
  EXPECT_EQ(snapshot.password_rules(0).service(), "passwd");
  folder.Write("etc/debian_version", "12.12\n");
  const v1::Snapshot debian = Collect(folder).snapshot;
  EXPECT_EQ(Rule(debian, "pam_unix.so", "minlen"), "6 default");
  EXPECT_EQ(Rule(debian, "pam_unix.so", "obscure"),
            "1 /etc/pam.d/common-password:1");
}

TEST(PasswordRules, SayWhereEachValueStands) {
  HostFolder folder;
  folder.Write("etc/pam.d/passwd",
               "password requisite pam_pwquality.so retry=0 minclass=9 what "
               "ever=1 type=UNIX\npassword required pam_unix.so use_authtok "
               "minlen=9 remember=5\n");
  folder.Write("etc/security/pwquality.conf",
               "# minlen = 30\nminlen = 12\nenforce_for_root\n");
  folder.Write("etc/security/pwquality.conf.d/50-a.conf",
               "minlen = 20\ndcredit=-1\n");
  folder.Write("etc/security/pwquality.conf.d/60-b.conf", "DCredit -2\n");
  folder.Write("etc/security/pwquality.conf.d/70-b.txt", "dcredit -3\n");
  const auto [status, snapshot] = Collect(folder);
  ASSERT_TRUE(status.ok()) << status;
  const auto rule = [&](const std::string& option) {
    return Rule(snapshot, "pam_pwquality.so", option);
  };
  EXPECT_EQ(rule("minlen"), "12 /etc/security/pwquality.conf:2");
  EXPECT_EQ(rule("dcredit"), "-2 /etc/security/pwquality.conf.d/60-b.conf:1");
  EXPECT_EQ(rule("minclass"), "4 /etc/pam.d/passwd:1");
  EXPECT_EQ(rule("retry"), "1 /etc/pam.d/passwd:1");
  EXPECT_EQ(rule("enforce_for_root"), "1 /etc/security/pwquality.conf:3");
  EXPECT_EQ(rule("ucredit"), "0 default");
  EXPECT_EQ(rule("error"),
            "\"what\"; \"ever=1\" /etc/pam.d/passwd:1; /etc/pam.d/passwd:1");
  EXPECT_EQ(Rule(snapshot, "pam_unix.so", "minlen"), "9 /etc/pam.d/passwd:2");
  EXPECT_EQ(Rule(snapshot, "pam_unix.so", "remember"), "5 /etc/pam.d/passwd:2");
  EXPECT_THAT(snapshot.gaps(), IsEmpty());
}

TEST(PasswordRules, OfAModuleThatIsToldNotToRefuseAreNotEnforced) {
  HostFolder folder;
  folder.Write("etc/pam.d/passwd",
               "password requisite pam_pwquality.so enforcing=0\n"
               "password requisite pam_pwhistory.so use_authtok remember=0\n"
               "password requisite pam_pwquality.so use_authtok enforcing=1\n"
               "password required pam_unix.so use_authtok\n");
  const v1::Snapshot snapshot = Collect(folder).snapshot;
  EXPECT_EQ(Rule(snapshot, "pam_pwquality.so", "minlen"), "8 default!");
  EXPECT_EQ(Rule(snapshot, "pam_pwquality.so", "minlen", 2), "8 default");
  EXPECT_EQ(Rule(snapshot, "pam_pwhistory.so", "control"),
            "requisite /etc/pam.d/passwd:2!");
}

TEST(PasswordRules, HaveTheOptionsOfEachModule) {
  HostFolder folder;
  folder.Write("etc/pam.d/passwd",
               "password requisite pam_cracklib.so minlen=3 ucredit=-1 "
               "reject_username difignore=2\n"
               "password requisite pam_passwdqc.so use_authtok max=40 "
               "config=/etc/passwdqc.conf config=/none\n"
               "password requisite pam_pwhistory.so use_authtok remember=999\n"
               "password required pam_unix.so use_authtok\n");
  folder.Write("etc/passwdqc.conf",
               "# a comment\nmin=disabled,disabled,disabled,disabled,12\n"
               "enforce=none bogus=1\n");
  folder.Write("etc/security/pwhistory.conf",
               "remember = 3\nremember=4\nretry=2 # x\nenforce_for_root\n");
  const auto [status, snapshot] = Collect(folder);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Rule(snapshot, "pam_cracklib.so", "minlen"),
            "5 /etc/pam.d/passwd:1");
  EXPECT_EQ(Rule(snapshot, "pam_cracklib.so", "ucredit"),
            "-1 /etc/pam.d/passwd:1");
  EXPECT_EQ(Rule(snapshot, "pam_cracklib.so", "dcredit"), "1 default");
  EXPECT_EQ(Rule(snapshot, "pam_cracklib.so", "reject_username"),
            "1 /etc/pam.d/passwd:1");
  EXPECT_EQ(Rule(snapshot, "pam_cracklib.so", "error"), "");
  EXPECT_EQ(Rule(snapshot, "pam_passwdqc.so", "min"),
            "disabled,disabled,disabled,disabled,12 /etc/passwdqc.conf:2!");
  EXPECT_EQ(Rule(snapshot, "pam_passwdqc.so", "max"),
            "40 /etc/pam.d/passwd:2!");
  EXPECT_EQ(Rule(snapshot, "pam_passwdqc.so", "error"),
            "\"bogus=1\"; /none is missing /etc/passwdqc.conf:3; "
            "/etc/pam.d/passwd:2!");
  EXPECT_EQ(Rule(snapshot, "pam_pwhistory.so", "remember"),
            "400 /etc/pam.d/passwd:3");
  EXPECT_EQ(Rule(snapshot, "pam_pwhistory.so", "retry"),
            "2 /etc/security/pwhistory.conf:3");
  EXPECT_EQ(Rule(snapshot, "pam_pwhistory.so", "enforce_for_root"),
            "1 /etc/security/pwhistory.conf:4");
}

TEST(PasswordRules, AreThoseOfOtherWithoutAServiceOfTheirOwn) {
  HostFolder folder;
  EXPECT_TRUE(IsAbsent(Collect(folder).status));
  folder.Write("etc/pam.d/other", "password required pam_unix.so\n");
  EXPECT_EQ(Collect(folder).snapshot.password_rules_size(), 4);
  folder.Write("etc/pam.d/passwd", "auth required pam_unix.so\n");
  EXPECT_EQ(Collect(folder).snapshot.password_rules_size(), 4);
  folder.Write("etc/pam.d/passwd", "password required pam_sss.so\n");
  const auto [status, snapshot] = Collect(folder);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(snapshot.password_rules_size(), 0);
}

TEST(PasswordRules, OfAStackThatCannotBeReadAreAnErrorThatNamesIt) {
  HostFolder folder;
  folder.Write("etc/pam.d/passwd", "#\npassword include missing\n");
  EXPECT_THAT(Message(Collect(folder).status), HasSubstr("/etc/pam.d/missing"));
  folder.Write("etc/pam.d/passwd", "password required pam_unix.so\npassword\n");
  EXPECT_THAT(Message(Collect(folder).status),
              HasSubstr("/etc/pam.d/passwd:2"));
  folder.Write("etc/pam.d/passwd", "@include passwd\n");
  EXPECT_FALSE(Collect(folder).status.ok());
}

TEST(PasswordRules, OfAFileThatCannotBeReadAreAGap) {
  HostFolder folder;
  folder.Write("etc/pam.d/passwd",
               "password requisite pam_pwquality.so\npassword requisite "
               "pam_pwhistory.so conf=/etc/security/pipe use_authtok\n"
               "password required pam_unix.so use_authtok\n");
  boost::filesystem::create_directories(folder.path() / "etc/security");
  for (const char* name : {"pwquality.conf", "pipe"})
    ASSERT_EQ(mkfifo((folder.path() / "etc/security" / name).c_str(), 0644), 0);
  const auto [status, snapshot] = Collect(folder);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(snapshot.gaps_size(), 2);
  EXPECT_EQ(snapshot.gaps(0).subject(), "/etc/security/pwquality.conf");
  EXPECT_THAT(snapshot.gaps(0).columns(), ElementsAre("value", "source"));
  EXPECT_EQ(snapshot.gaps(1).subject(), "/etc/security/pipe");
}

// A stack of lines such as "requisite pam_pwquality.so"; those that begin with
// ">" are in a substack.
bool Enforced(const std::vector<std::string>& lines, size_t at = 0) {
  std::vector<PamLine> stack;
  for (std::string_view line : lines) {
    PamLine& added = stack.emplace_back();
    added.level = line.starts_with('>') ? 1 : 0;
    line.remove_prefix(added.level);
    const size_t end =
        line.starts_with('[') ? line.find(']') + 1 : line.find(' ');
    added.control = line.substr(0, end);
    for (const std::string_view word : Words(line.substr(end)))
      if (added.module.empty())
        added.module = word;
      else
        added.arguments.emplace_back(word);
  }
  return PasswordRefusalHolds(stack, at);
}

// Each of these was tried with the real passwd(1) of Debian 12 and 13 as a user
// who gives a password that the first module refuses: whether it was set.
TEST(PasswordStack, LetsPassWhatPasswdWasSeenToSet) {
  const std::string quality = "pam_pwquality.so";
  EXPECT_TRUE(
      Enforced({"requisite " + quality, "required pam_unix.so use_authtok"}));
  EXPECT_TRUE(Enforced({"requisite " + quality, "required pam_unix.so"}));
  EXPECT_TRUE(
      Enforced({"required " + quality, "required pam_unix.so use_authtok"}));
  EXPECT_TRUE(
      Enforced({"optional " + quality, "required pam_unix.so use_authtok"}));
  // passwd says that it failed, and the password is set.
  EXPECT_FALSE(Enforced({"required " + quality, "required pam_unix.so"}));
  EXPECT_FALSE(Enforced({"optional " + quality, "required pam_unix.so"}));
  EXPECT_FALSE(Enforced({"sufficient pam_unix.so", "requisite " + quality}, 1));
  EXPECT_FALSE(Enforced({"[success=1 default=ignore] pam_unix.so",
                         "requisite " + quality, "required pam_permit.so"},
                        1));
  EXPECT_TRUE(Enforced({"requisite " + quality,
                        "[success=1 default=ignore] pam_unix.so obscure",
                        "requisite pam_deny.so", "required pam_permit.so"}));
  // pam_unix refuses what was checked, and sets what it asks for then.
  EXPECT_FALSE(
      Enforced({"requisite " + quality, "required pam_unix.so minlen=20"}));
  EXPECT_TRUE(Enforced(
      {"requisite " + quality, "required pam_unix.so minlen=20 use_authtok"}));
  // pam_passwdqc asks anew.
  EXPECT_FALSE(Enforced({"requisite " + quality, "requisite pam_passwdqc.so",
                         "required pam_unix.so use_authtok"}));
  EXPECT_TRUE(
      Enforced({"requisite " + quality, "requisite pam_passwdqc.so use_authtok",
                "required pam_unix.so use_authtok"}));
  // It leaves what it refuses to the next one.
  EXPECT_FALSE(
      Enforced({"requisite " + quality, "required pam_passwdqc.so use_authtok",
                "required pam_unix.so use_authtok"},
               1));
  // The end of a substack is not the end.
  EXPECT_FALSE(Enforced({">requisite " + quality, "required pam_unix.so"}));
}

TEST(PasswordStack, IsFollowedWhereverControlsLead) {
  const std::string quality = "requisite pam_pwquality.so";
  // As authselect makes them.
  EXPECT_TRUE(
      Enforced({quality + " local_users_only",
                "[default=1 ignore=ignore success=ok] pam_localuser.so",
                "sufficient pam_unix.so shadow use_authtok",
                "[success=1 default=ignore] pam_localuser.so",
                "sufficient pam_sss.so use_authtok", "required pam_deny.so"}));
  EXPECT_FALSE(Enforced(
      {"[success=2 default=ignore] pam_localuser.so",
       "[default=ignore] pam_permit.so", quality, "required pam_unix.so"},
      2));
  // A directory's module takes a password first, and pam_unix sets it.
  EXPECT_FALSE(Enforced(
      {"optional pam_sss.so", "[success=1 default=ignore] pam_localuser.so",
       quality, "required pam_unix.so use_authtok"},
      2));
  EXPECT_FALSE(
      Enforced({"[default=ignore] pam_pwquality.so", "required pam_unix.so"}));
  EXPECT_TRUE(
      Enforced({"[success=ok ignore=ignore default=die] "
                "pam_pwquality.so",
                "required pam_unix.so"}));
  // A jump over a substack is one over all of it.
  EXPECT_FALSE(Enforced({"optional pam_sss.so", "[default=1] pam_echo.so",
                         ">optional pam_debug.so", ">" + quality,
                         "required pam_unix.so use_authtok"},
                        3));
  EXPECT_TRUE(Enforced({"sufficient pam_unix.so remember=5"}));
  EXPECT_FALSE(
      Enforced({"sufficient pam_unix.so remember=5", "required pam_unix.so"}));
  EXPECT_FALSE(Enforced({quality, "requisite pam_pwhistory.so retry=3",
                         "required pam_unix.so use_authtok"}));
  EXPECT_TRUE(Enforced({quality, "requisite pam_pwhistory.so remember=5",
                        "required pam_unix.so use_authtok"}));
  // Jumps back there are none, nor beyond the end.
  EXPECT_TRUE(Enforced({"[success=-3 default=99] pam_echo.so"}));
  EXPECT_TRUE(Enforced({"[", quality}, 1));
}

// The library, whose header is not needed for this little of it.
class Pwquality {
 public:
  Pwquality() : library_(dlopen("libpwquality.so.1", RTLD_NOW)) {}
  bool ok() const { return library_ != nullptr; }

  // What it has of each number after reading the file.
  std::map<std::string, std::string> Read(const std::string& file) const {
    void* const settings = Find<void* (*)()>("pwquality_default_settings")();
    void* error = nullptr;
    Find<int (*)(void*, const char*, void**)>("pwquality_read_config")(
        settings, file.c_str(), &error);
    std::map<std::string, std::string> values;
    // PWQ_SETTING_… of pwquality.h.
    for (const auto& [name, number] :
         std::map<std::string, int>{{"difok", 1},
                                    {"minlen", 3},
                                    {"dcredit", 4},
                                    {"ucredit", 5},
                                    {"lcredit", 6},
                                    {"ocredit", 7},
                                    {"minclass", 8},
                                    {"maxrepeat", 9},
                                    {"maxclassrepeat", 11},
                                    {"gecoscheck", 12},
                                    {"maxsequence", 14},
                                    {"dictcheck", 15},
                                    {"usercheck", 16},
                                    {"enforcing", 17},
                                    {"retry", 18},
                                    {"enforce_for_root", 19},
                                    {"local_users_only", 20},
                                    {"usersubstr", 21}}) {
      int value = -12345;
      EXPECT_EQ(Find<int (*)(void*, int, int*)>("pwquality_get_int_value")(
                    settings, number, &value),
                0)
          << name;
      values[name] = std::to_string(value);
    }
    for (const auto& [name, number] :
         std::map<std::string, int>{{"dictpath", 10}, {"badwords", 13}}) {
      const char* value = nullptr;
      EXPECT_EQ(Find<int (*)(void*, int, const char**)>(
                    "pwquality_get_str_value")(settings, number, &value),
                0)
          << name;
      values[name] = value == nullptr ? "" : value;
    }
    Find<void (*)(void*)>("pwquality_free_settings")(settings);
    return values;
  }

 private:
  template <typename F>
  F Find(const char* name) const {
    return reinterpret_cast<F>(dlsym(library_, name));
  }
  void* const library_;
};

// What a line may be made of.
const std::vector<std::string> kNames = {"minlen",
                                         "MinLen",
                                         "dcredit",
                                         "ucredit",
                                         "ocredit",
                                         "minclass",
                                         "maxrepeat",
                                         "difok",
                                         "bogus",
                                         "gecoscheck",
                                         "dictpath",
                                         "badwords",
                                         "enforcing",
                                         "retry",
                                         "usersubstr",
                                         "dictcheck",
                                         "enforce_for_root",
                                         "local_users_only",
                                         "maxsequence",
                                         "maxclassrepeat",
                                         "usercheck",
                                         "",
                                         "lcredit",
                                         "min len",
                                         "#minlen"};
const std::vector<std::string> kBetween = {
    "=", " = ", " ", "\t=\t", "==", " = = ", "=\v", "  ", ":", ""};
const std::vector<std::string> kValues = {
    "1",  "12",  "-1", "+9",          "0",   "2147483646", "2147483647",
    "3x", "0x9", "",   "-2147483647", "4 5", "99",         "a b",
    "7",  "8",   "10", "11",          "6",   "5",          "+-4"};
const std::vector<std::string> kEnds = {"\n",   "\n",        "\n",   "\n",
                                        "\r\n", " # more\n", "  \n", "#x\n",
                                        "\n\n", "\f\n"};

TEST(TruthPasswordRules, LibpwqualityReadsItsFilesAsWeDo) {
  const Pwquality library;
  ASSERT_TRUE(library.ok()) << "install libpwquality1";
  HostFolder empty;
  empty.Write("pq.conf", "");
  auto none = library.Read((empty.path() / "pq.conf").string());
  std::minstd_rand random(20);
  const auto any = [&](const std::vector<std::string>& of) {
    return of[random() % of.size()];
  };
  size_t stopped = 0, read = 0;
  for (int round = 0; round < 400; ++round) {
    HostFolder folder;
    const std::vector<std::string> files = {
        "pq.conf",           "pq.conf.d/b.conf", "pq.conf.d/A.conf",
        "pq.conf.d/.c.conf", "pq.conf.d/d.txt",  "pq.conf.d/.conf"};
    std::string all;
    for (const std::string& file : files) {
      std::string text;
      for (size_t i = random() % 4; i > 0; --i) {
        std::string name = any(kNames);
        // Most files are right.
        if (random() % 4 != 0) name = kNames[random() % 8];
        const bool sane = random() % 4 != 0;
        text += name + (sane ? " = " : any(kBetween)) +
                (sane ? std::to_string(static_cast<int>(random() % 30) - 5)
                      : any(kValues)) +
                any(kEnds);
      }
      if (random() % 8 == 0 && !text.empty()) text.pop_back();
      const size_t longest[] = {1021, 1022, 1023, 1024, 3000};
      if (random() % 16 == 0)
        text += "#" + std::string(longest[random() % 5] - 1, 'x') +
                (random() % 2 == 0 ? "\n" : "");
      if (random() % 32 == 0) text += std::string("minlen=9\0\n", 10);
      folder.Write(file, text);
      all += file + ":\n" + text + "\n";
    }
    v1::Snapshot snapshot;
    Gaps gaps("password_rules", snapshot);
    const RecordedHost host(folder.path());
    std::map<std::string, std::string> ours;
    for (const auto& [name, option] :
         ReadPwqualityConf(host, "/pq.conf", gaps)) {
      if (name == "error")
        ++stopped;
      else
        ours[name] = option.value;
      read += option.source != "default";
    }
    auto theirs = library.Read((folder.path() / "pq.conf").string());
    // The one that cracklib was built with stands for none.
    if (theirs["dictpath"] == none["dictpath"]) theirs["dictpath"].clear();
    EXPECT_EQ(ours, theirs) << all;
    EXPECT_THAT(snapshot.gaps(), IsEmpty());
  }
  EXPECT_GT(stopped, 50u);
  EXPECT_LT(stopped, 350u);
  EXPECT_GT(read, 400u);
}

}  // namespace
}  // namespace metsuke
