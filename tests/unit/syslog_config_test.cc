#include "collectors/syslog_config.h"
#include "tests/unit/troubles.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Read {
  explicit Read(const std::string& text,
                const std::map<std::string, std::string>& files = {})
      : reader([files](const std::string& pattern) {
          const auto file = files.find(pattern);
          return file == files.end()
                     ? std::vector<SyslogFile>{}
                     : std::vector<SyslogFile>{{pattern, file->second}};
        }) {
    reader.Read({"conf", text});
  }

  // The routes of the facilities in `facilities`, which is short.
  std::vector<std::string> Routes(
      const std::vector<std::string>& facilities) const {
    std::vector<std::string> lines;
    for (const v1::SyslogRoute& r : reader.Routes())
      if (std::find(facilities.begin(), facilities.end(), r.facility()) !=
          facilities.end())
        lines.push_back(fmt::format("{}.{} {} {} {}", r.facility(),
                                    r.severity(), r.action(), r.target(),
                                    r.source()));
    return lines;
  }

  std::vector<std::string> Troubles() const { return TroublesOf(reader); }

  RsyslogReader reader;
};

TEST(SyslogConfig, ARuleIsOneRowPerFacility) {
  const Read read(
      "# rules\n*.*;auth,authpriv.none\t\t-/var/log/syslog\n"
      "auth,authpriv.*  /var/log/auth.log\nkern.warn /var/log/kern;Template\n");
  EXPECT_EQ(read.reader.Routes().size(), 18 + 2 + 1);
  EXPECT_THAT(read.Routes({"auth", "authpriv", "kern"}),
              ElementsAre("kern.debug file /var/log/syslog conf:2",
                          "auth.debug file /var/log/auth.log conf:3",
                          "authpriv.debug file /var/log/auth.log conf:3",
                          "kern.warning file /var/log/kern conf:4"));
  EXPECT_THAT(read.Troubles(), IsEmpty());
}

TEST(SyslogConfig, SelectorsAddAndTakeAway) {
  EXPECT_EQ(ReadSelector("mail.err")->at(2), 0b1111);
  EXPECT_EQ(ReadSelector("mail.=err")->at(2), 0b1000);
  EXPECT_EQ(ReadSelector("*.info;mail.!err")->at(2), 0b1110000);
  EXPECT_EQ(ReadSelector("*.info;mail.!err")->at(3), 0b1111111);
  EXPECT_EQ(ReadSelector("*.*;mail.!=debug")->at(2), 0b1111111);
  EXPECT_EQ(ReadSelector("*.*;mail.none")->at(2), 0);
  EXPECT_EQ(ReadSelector("mail.!*")->at(2), 0);
  EXPECT_EQ(ReadSelector("SECURITY.Panic")->at(4), 1);
  EXPECT_EQ(ReadSelector("mark.*"), SyslogMask{});
  EXPECT_FALSE(ReadSelector("mail").has_value());
  EXPECT_FALSE(ReadSelector("post.*").has_value());
  EXPECT_FALSE(ReadSelector("mail.loud").has_value());
}

TEST(SyslogConfig, SeveritiesWithHolesAreListed) {
  EXPECT_THAT(Read("mail.=info;mail.=err /m\nnews.!=err /n\nlpr.*;lpr.!emerg /l\n")
                  .Routes({"mail", "news", "lpr"}),
              ElementsAre("mail.=err,=info file /m conf:1",
                          "lpr.=alert,=crit,=err,=warning,=notice,=info,=debug "
                          "file /l conf:3"));
}

TEST(SyslogConfig, LegacyActions) {
  const auto action = [](const char* text) {
    const SyslogAction read = ReadLegacyAction(text);
    return read.action + " " + read.target;
  };
  EXPECT_EQ(action("-/var/log/a;T"), "file /var/log/a");
  EXPECT_EQ(action("?Dynamic"), "file ?Dynamic");
  EXPECT_EQ(action("@host"), "forward @host:514");
  EXPECT_EQ(action("@@(z9)host:10514;T"), "forward @@host:10514");
  EXPECT_EQ(action("@[::1]"), "forward @[::1]:514");
  EXPECT_EQ(action("@("), "forward @:514");
  EXPECT_EQ(action("|/dev/xconsole"), "pipe /dev/xconsole");
  EXPECT_EQ(action("^/bin/mail;T"), "program /bin/mail");
  EXPECT_EQ(action(":omusrmsg:*"), "user *");
  EXPECT_EQ(action("root,operator"), "user root,operator");
  EXPECT_EQ(action(">db1,syslog,writer,s3cret"), "database db1,syslog");
  EXPECT_EQ(action(":ommysql:db1,syslog,writer,s3cret;T"), "database db1,syslog");
  EXPECT_EQ(action(":omrelp:central:2514"), "forward relp:central:2514");
  EXPECT_EQ(action(":omfile:$channel"), "file $channel");
  EXPECT_EQ(action(":omjournal:"), "other omjournal");
  EXPECT_EQ(action("~"), "discard ");
  EXPECT_EQ(action("stop"), "discard ");
  EXPECT_EQ(action(""), "user ");
}

TEST(SyslogConfig, ScriptActions) {
  const auto action = [](const char* text) {
    const SyslogAction read = ReadScriptAction(text);
    return read.action + " " + read.target;
  };
  EXPECT_EQ(action("type=\"omfile\" File=\"/var/log/a b\""), "file /var/log/a b");
  EXPECT_EQ(action("type='omfile' dynaFile='T'"), "file ?T");
  EXPECT_EQ(action("type=\"omfwd\"\n target=\"h\" protocol=\"TCP\" port=\"601\""),
            "forward @@h:601");
  EXPECT_EQ(action("type=\"omfwd\" target=\"2001:db8::1\""),
            "forward @[2001:db8::1]:514");
  EXPECT_EQ(action("type=\"omusrmsg\" users=[\"root\", \"ops\"]"), "user root,ops");
  EXPECT_EQ(action("type=\"ommysql\" server=\"d\" db=\"l\" pwd=\"x\""), "database d,l");
  EXPECT_EQ(action("type=\"omkafka\""), "other omkafka");
  EXPECT_EQ(action("type=\"om\\\"file\" ="), "other om\"file");
  EXPECT_EQ(action("users=[root"), "other ");
}

TEST(SyslogConfig, LinesAreContinuedAndCounted) {
  const Read read(
      "*.=debug;\\\n\tauth,authpriv.none;\\\n  mail.none -/var/log/debug\n"
      "/* two\nlines */ mail.* /m\n");
  EXPECT_THAT(read.Routes({"mail", "kern"}),
              ElementsAre("kern.=debug file /var/log/debug conf:1",
                          "mail.debug file /m conf:5"));
}

TEST(SyslogConfig, ScriptAndLegacyMix) {
  const Read read(
      "module(load=\"imuxsock\") # a (comment\n"
      "input(type=\"imudp\" port=\"514\")\n"
      "template(name=\"t\" type=\"string\" string=\"%msg%)\\n\")\n"
      "mail.* action(type=\"omfile\" file=\"/m\")\n"
      "& action(type=\"omfwd\" target=\"h\"\n  port=\"1514\")\n"
      "&\t/m2\n"
      "kern.* {\n action(type=\"omfile\" file=\"/k\")\n  stop\n}\n"
      "action(type=\"omfile\" file=\"/all\")\n");
  EXPECT_THAT(read.Routes({"mail", "kern"}),
              ElementsAre("mail.debug file /m conf:4",
                          "mail.debug forward @h:1514 conf:5",
                          "mail.debug file /m2 conf:7",
                          "kern.debug file /k conf:9",
                          "kern.debug discard  conf:10",
                          "mail.debug file /all conf:12"));
  EXPECT_THAT(read.Troubles(), IsEmpty());
}

TEST(SyslogConfig, WhatWasDiscardedGoesNowhere) {
  const Read read("auth.* /a\n& stop\nmail.info ~\n*.* /all\n");
  EXPECT_THAT(read.Routes({"auth", "mail", "cron"}),
              ElementsAre("auth.debug file /a conf:1",
                          "auth.debug discard  conf:2",
                          "mail.info discard  conf:3",
                          "mail.=debug file /all conf:4",
                          "cron.debug file /all conf:4"));
}

TEST(SyslogConfig, ConditionsAreToldAndPassedOver) {
  const Read read(
      "if $programname == 'a}b' and ($msg contains \"then\") then {\n"
      "  action(type=\"omfile\" file=\"/x\")\n  stop\n} else if $x then stop\n"
      "else { /y\n}\n"
      ":msg, contains, \"{ quoted\" /z\n& stop\n"
      ":msg, isequal, \"b\" {\n *.* /w\n}\n"
      "ruleset(name=\"remote\") { *.* /r\n}\n"
      "if $fromhost-ip == '10.0.0.1' then /legacy\n& ~\n"
      "mail.* call remote\n"
      "mail.* /m\n");
  EXPECT_THAT(read.Routes({"mail"}), ElementsAre("mail.debug file /m conf:17"));
  EXPECT_THAT(read.Troubles(),
              ElementsAre("conf:1: the rule has a condition",
                          "conf:7: the rule depends on a property of the message",
                          "conf:9: the rule depends on a property of the message",
                          "conf:12: the rules of a ruleset depend on who calls it",
                          "conf:14: the rule has a condition",
                          "conf:16: the rule calls a ruleset"));
}

TEST(SyslogConfig, BlocksOfOneProgramOrHostAreTold) {
  const Read read("!sshd\n*.* /s\n!*\n$RuleSet x\nmail.* /x\n"
                  "$RuleSet RSYSLOG_DefaultRuleset\nmail.* /m\n");
  EXPECT_THAT(read.Routes({"mail"}), ElementsAre("mail.debug file /m conf:7"));
  EXPECT_THAT(read.Troubles(),
              ElementsAre(
                  "conf:2: the rule holds for one program, host or ruleset",
                  "conf:5: the rule holds for one program, host or ruleset"));
}

TEST(SyslogConfig, IncludesAreReadWhereTheyStand) {
  const std::map<std::string, std::string> files = {
      {"/d/*.conf", "mail.* /d\n& stop\n"}, {"/s", "include(file=\"/s\")\n"}};
  EXPECT_THAT(Read("$IncludeConfig /d/*.conf\nmail.* /m\n", files)
                  .Routes({"mail"}),
              ElementsAre("mail.debug file /d /d/*.conf:1",
                          "mail.debug discard  /d/*.conf:2"));
  EXPECT_THAT(Read("include(file=\"/d/*.conf\" mode=\"optional\")", files)
                  .Routes({"mail"}),
              ElementsAre("mail.debug file /d /d/*.conf:1",
                          "mail.debug discard  /d/*.conf:2"));
  EXPECT_THAT(Read("include(file=\"/s\")", files).Troubles(),
              ElementsAre("/s:1: includes too deep"));
}

TEST(SyslogConfig, OddTextIsToldAndEnds) {
  EXPECT_THAT(Read("post.* /p\n").Troubles(),
              ElementsAre("conf:1: not understood: post.*"));
  EXPECT_THAT(Read("mail.*\n").Troubles(),
              ElementsAre("conf:1: the rule has no action"));
  EXPECT_THAT(Read("}\nhello world\n").Troubles(),
              ElementsAre("conf:1: an unexpected }",
                          "conf:2: not understood: hello"));
  EXPECT_THAT(Read(std::string(100, '{')).Troubles(),
              ElementsAre("conf:1: blocks too deep"));
  for (const char* text :
       {"", "\\", "\\\n", "&", "$", ":", "!", "if", "if x", "if x then",
        "if x then {", "action(", "action(type=\"", "set x", "/*", "*.* {",
        "mail.* action", "mail.* call", "foreach", "include(file=[\"", "'", ")",
        "if ((((", "\xff\xfe", "ruleset", "ruleset(", "*.*;;; /x"})
    Read(text).Troubles();
}

}  // namespace
}  // namespace metsuke
