#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "collectors/collector.h"
#include "collectors/syslog_ng_reader.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/troubles.h"

namespace metsuke {

absl::Status CollectSyslogConfig(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kSource[] = "source s { system(); internal(); };\n";

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
    rows = reader.Routes();
  }

  // Where the messages of one facility go.
  std::vector<std::string> Of(const std::string& facility) const {
    std::vector<std::string> lines;
    for (const v1::SyslogRoute& r : rows)
      if (r.facility() == facility)
        lines.push_back(fmt::format("{} {} {} {}", r.severity(), r.action(),
                                    r.target(), r.source()));
    return lines;
  }

  std::vector<std::string> Troubles() const { return TroublesOf(reader); }

  SyslogNgReader reader;
  std::vector<v1::SyslogRoute> rows;
};

// A filter alone, by the severities of some facilities that it lets through.
std::string Let(const std::string& filter) {
  const Read read(kSource + ("log { source(s); filter { " + filter +
                             " }; destination { file(\"/x\"); }; };"));
  std::string all;
  for (const char* facility : {"kern", "auth", "mail"})
    for (const std::string& line : read.Of(facility))
      all += fmt::format("{}:{} ", facility, line.substr(0, line.find(' ')));
  if (!read.Troubles().empty()) all += "trouble";
  return all;
}

TEST(SyslogNg, APathIsARowForEachFacility) {
  const Read read(fmt::format(
      "@version: 3.38\n@include \"scl.conf\"\n{}"
      "destination d_auth {{ file(\"/var/log/auth.log\" perm(0640)); }};\n"
      "filter f_dbg {{ level(debug); }};\n"
      "# log {{ source(s); destination(d_all); }};\n"
      "filter f_auth {{ facility(auth, authpriv) and not filter(f_dbg); }};\n"
      "log {{ source(s); filter(f_auth);\n  destination(d_auth); }};\n",
      kSource));
  EXPECT_THAT(read.Of("auth"),
              ElementsAre("info file /var/log/auth.log conf:9"));
  EXPECT_THAT(read.Of("authpriv"),
              ElementsAre("info file /var/log/auth.log conf:9"));
  EXPECT_EQ(read.rows.size(), 2u);
  EXPECT_EQ(read.rows[0].daemon(), "syslog-ng");
  EXPECT_THAT(read.Troubles(), IsEmpty());
}

TEST(SyslogNg, FiltersAreReadAsTheyBind) {
  EXPECT_EQ(Let("facility(mail)"), "mail:debug ");
  EXPECT_EQ(Let("level(warn .. emerg)"),
            "kern:warning auth:warning mail:warning ");
  EXPECT_EQ(Let("level(emerg..warning)"), Let("level(warn .. emerg)"));
  EXPECT_EQ(Let("level(err)"), "kern:=err auth:=err mail:=err ");
  EXPECT_EQ(Let("severity(0..2) and facility(4)"), "auth:crit ");
  EXPECT_EQ(Let("facility(mail) or facility(kern) and level(err)"),
            "kern:=err mail:debug ");
  EXPECT_EQ(Let("(facility(mail) or facility(kern)) and level(err)"),
            "kern:=err mail:=err ");
  EXPECT_EQ(Let("not facility(kern, auth) and not level(debug)"), "mail:info ");
  EXPECT_EQ(Let("not (facility(kern) or facility(mail))"), "auth:debug ");
}

// What asks for more is told; what it certainly lets through is a row.
TEST(SyslogNg, WhatIsNotByFacilityIsTold) {
  EXPECT_EQ(Let("program(\"sshd\")"), "trouble");
  EXPECT_EQ(Let("facility(mail) and host(\"a\")"), "trouble");
  EXPECT_EQ(Let("facility(mail) or host(\"a\")"), "mail:debug trouble");
  EXPECT_EQ(Let("facility(mail) and not host(\"a\")"), "trouble");
  EXPECT_EQ(Let("\"$PROGRAM\" eq \"sshd\" or facility(auth)"),
            "auth:debug trouble");
  EXPECT_EQ(Let("facility(no-such)"), "trouble");
  EXPECT_EQ(Let("filter(nobody)"), "trouble");
  EXPECT_EQ(Let(""), "trouble");
  const Read loop(
      std::string(kSource) +
      "filter a { filter(b); }; filter b { filter(a); };"
      "log { source(s); filter(a); destination { file(\"/x\"); }; };");
  EXPECT_THAT(loop.Troubles(), Contains(HasSubstr("more than facility")));
  EXPECT_THAT(loop.Of("auth"), IsEmpty());
}

TEST(SyslogNg, FiltersOfFiltersAreReadOnce) {
  std::string text = std::string(kSource) + "filter f0 { facility(auth); };";
  for (int i = 1; i <= 40; ++i)
    text += fmt::format("filter f{0} {{ filter(f{1}) and filter(f{1}); }};", i,
                        i - 1);
  const Read read(text + "log { source(s); filter(f40);"
                         " destination { file(\"/x\"); }; };");
  EXPECT_EQ(read.Of("auth").size(), 1u);
  EXPECT_EQ(read.rows.size(), 1u);
}

TEST(SyslogNg, OnlyTheHostsOwnMessagesCount) {
  const std::string rest =
      "source net { network(port(514)); }; source own { internal(); };"
      "log { source(net); destination { file(\"/remote\"); }; };"
      "log { source(own); destination { file(\"/own\"); }; };"
      "log { source(net); source(s); destination { file(\"/all\"); }; };"
      "log { source { unix-dgram(\"/dev/log\"); };"
      " destination { file(\"/inline\"); }; };"
      "log { destination { file(\"/catch\"); }; flags(catchall); };";
  const Read read(kSource + rest);
  EXPECT_THAT(read.Of("auth"),
              ElementsAre("debug file /all conf:2", "debug file /inline conf:2",
                          "debug file /catch conf:2"));
  EXPECT_THAT(read.Of("syslog"), Contains("debug file /own conf:2"));
}

TEST(SyslogNg, DestinationsSayWhereMessagesGo) {
  const auto to = [](const std::string& driver) {
    const Read read(kSource +
                    ("log { source(s); destination { " + driver + "; }; };"));
    const auto lines = read.Of("auth");
    return lines.size() == 1 ? lines[0].substr(6, lines[0].rfind(' ') - 6) : "";
  };
  EXPECT_EQ(to("file(\"/var/log/$HOST/x\")"), "file ?/var/log/$HOST/x");
  EXPECT_EQ(to("network(\"loghost\" transport(\"tls\") port(6514))"),
            "forward @@loghost:6514");
  EXPECT_EQ(to("network(\"loghost\")"), "forward @@loghost:514");
  EXPECT_EQ(to("network(\"2001:db8::1\" transport(udp))"),
            "forward @[2001:db8::1]:514");
  EXPECT_EQ(to("syslog(\"loghost\")"), "forward @@loghost:601");
  EXPECT_EQ(to("syslog(\"loghost\" transport('udp'))"), "forward @loghost:514");
  EXPECT_EQ(to("udp('10.0.0.1' port(1514))"), "forward @10.0.0.1:1514");
  EXPECT_EQ(to("tcp(loghost)"), "forward @@loghost:514");
  EXPECT_EQ(to("usertty(\"root\")"), "user root");
  EXPECT_EQ(to("program(\"/bin/x\")"), "program /bin/x");
  EXPECT_EQ(to("sql(type(mysql) password(\"secret\"))"), "database sql");
  EXPECT_EQ(to("getvirtconsole()"), "other getvirtconsole");
  const Read both(std::string(kSource) +
                  "destination d { file(\"/a\"); network(\"b\"); };"
                  "log { source(s); destination(d); destination(gone); };");
  EXPECT_EQ(both.Of("auth").size(), 2u);
  EXPECT_THAT(both.Troubles(),
              ElementsAre("conf:2: no such destination: gone"));
}

TEST(SyslogNg, WhatIsNamedByAVariableIsTold) {
  const Read read(std::string("@define logs \"/srv\"\n") + kSource +
                  "log { source(s); destination { file(\"`logs`/a\"); }; };");
  EXPECT_THAT(read.Of("auth"), IsEmpty());
  EXPECT_THAT(read.Troubles(),
              ElementsAre("conf:3: a variable that is not read: `logs`/a"));
}

TEST(SyslogNg, WhatIsFinalGoesNoFurther) {
  const Read read(std::string(kSource) +
                  "log { source(s); filter { facility(mail); };"
                  " destination { file(\"/mail\"); }; flags(final); };"
                  "log { source(s); filter { facility(kern) and host(\"a\"); };"
                  " destination { file(\"/kern\"); }; flags(final); };"
                  "log { source(s); destination { file(\"/rest\"); };"
                  " flags(fallback); };"
                  "log { source(s); filter { level(err); };"
                  " destination { file(\"/err\"); }; };");
  EXPECT_THAT(read.Of("mail"), ElementsAre("debug file /mail conf:2"));
  EXPECT_THAT(read.Of("auth"),
              UnorderedElementsAre("=err file /err conf:2",
                                   "=emerg,=alert,=crit,=warning,=notice,=info,"
                                   "=debug file /rest conf:2"));
  // It may have gone elsewhere before.
  EXPECT_THAT(read.Of("kern"), IsEmpty());
}

TEST(SyslogNg, PathsWithinPathsGetWhatReachesThem) {
  const Read read(std::string(kSource) +
                  "log { source(s); filter { not level(debug); };\n"
                  " log { filter { facility(mail); };"
                  " destination { file(\"/mail\"); }; flags(final); };\n"
                  " log { destination { file(\"/all\"); }; }; };");
  EXPECT_THAT(read.Of("mail"), ElementsAre("info file /mail conf:3"));
  EXPECT_THAT(read.Of("auth"), ElementsAre("info file /all conf:4"));
}

TEST(SyslogNg, BranchesAreFollowed) {
  const Read read(
      std::string(kSource) +
      "log { source(s); if (facility(mail)) {\n"
      " destination { file(\"/mail\"); }; } elif (facility(kern)) {\n"
      " destination { file(\"/kern\"); }; } else {\n"
      " destination { file(\"/else\"); }; }; };\n"
      "log { source(s); junction {\n"
      " channel { filter { facility(auth); };"
      " destination { file(\"/auth\"); }; };"
      " channel { filter { facility(mail); }; }; };\n"
      " destination { file(\"/after\"); }; };");
  EXPECT_THAT(read.Of("mail"), ElementsAre("debug file /mail conf:3"));
  EXPECT_THAT(read.Of("kern"), ElementsAre("debug file /kern conf:4"));
  EXPECT_THAT(read.Of("auth"), ElementsAre("debug file /else conf:5",
                                           "debug file /auth conf:7"));
  EXPECT_THAT(read.Troubles(),
              ElementsAre("conf:8: the log path depends on more than facility "
                          "and severity"));
}

TEST(SyslogNg, WhatIsIncludedIsReadInItsPlace) {
  const Read read(
      std::string(kSource) +
          "@include \"conf.d/*.conf\"\n"
          "  @include '/etc/other.conf'\n",
      {{"/etc/syslog-ng/conf.d/*.conf", "log { source(s); destination(d); };"},
       {"/etc/other.conf", "destination d { file(\"/d\"); };"}});
  EXPECT_THAT(read.Of("auth"),
              ElementsAre("debug file /d /etc/syslog-ng/conf.d/*.conf:1"));
  const Read order(
      std::string(kSource) +
          "log { source(s); destination { file(\"/before\"); }; };\n"
          "@include \"/x\"\n"
          "log { source(s); destination { file(\"/after\"); }; };\n",
      {{"/x", "log { source(s); filter { facility(auth); }; flags(final); };"}});
  EXPECT_THAT(order.Of("auth"), ElementsAre("debug file /before conf:2"));
  const Read deep("@include \"/x\"", {{"/x", "@include \"/x\""}});
  EXPECT_THAT(deep.Troubles(), ElementsAre("/x:1: includes too deep"));
}

TEST(SyslogNg, WhatIsNotEndedIsTold) {
  const Read read(std::string(kSource) +
                  "log { source(s); destination { file(\"/a\"); }; }\n"
                  "log { source(s); destination { file(\"/b\"); }; };");
  EXPECT_THAT(read.Troubles(),
              ElementsAre("conf:2: not understood: a ; is missing"));
}

// What is not known may keep messages back, or change them.
TEST(SyslogNg, WhatIsNotKnownInAPathIsTold) {
  const auto path = [](const std::string& element) {
    return Read(std::string(kSource) +
                "rewrite r_other { set_facility(\"mail\"); };\n"
                "rewrite r_text { set(\"x\", value(\"HOST\")); };\n"
                "log { source(s); " + element +
                " destination { file(\"/a\"); }; flags(flow-control); };");
  };
  EXPECT_THAT(path("").Troubles(), IsEmpty());
  for (const char* element : {"sieve(x);", "sieve { x(); };", "sieve;",
                              "sieve a b;", "rewrite(r_none);"}) {
    const Read read = path(element);
    EXPECT_THAT(read.Of("auth"), IsEmpty()) << element;
    EXPECT_THAT(read.Troubles(),
                Contains(AnyOf(HasSubstr("conf:4: not understood: sieve"),
                               HasSubstr("no such rewrite: r_none"))))
        << element;
  }
  for (const char* element :
       {"rewrite(r_other);", "rewrite { set-severity(\"info\"); };"}) {
    const Read read = path(element);
    EXPECT_THAT(read.Of("auth"), IsEmpty()) << element;
    EXPECT_THAT(read.Troubles(), Contains(HasSubstr("more than facility")));
  }
  EXPECT_EQ(path("rewrite(r_text);").Of("auth").size(), 1u);
  const Read channel = path("channel { destination { file(\"/in\"); }; };");
  EXPECT_THAT(channel.Of("auth"), ElementsAre("debug file /in conf:4"));
}

TEST(SyslogNg, OfVeryManyWordsTheRestIsTold) {
  const std::string text = "log { source(s); destination { file(\"/x\"); }; };";
  const Read many(kSource + text + std::string(300'000, ';') + text);
  EXPECT_THAT(many.Troubles(), ElementsAre("conf: too long: what stands behind "
                                           "is not read"));
  EXPECT_EQ(many.Of("auth").size(), 1u);
  const Read files(
      "@include \"/x\"\n@include \"/y\"\n" + std::string(kSource) + text,
      {{"/x", std::string(150'000, ';')}, {"/y", std::string(150'000, ';')}});
  EXPECT_THAT(files.Troubles(), Contains(HasSubstr("/y: too long")));
}

TEST(SyslogNg, NoiseIsNoConfiguration) {
  const std::string text = "log { source(s); destination { file(\"/x\"); }; };";
  for (const std::string& noise :
       {std::string(100'000, '{'), std::string(100'000, '('),
        std::string("filter a { \"unclosed"), std::string("}}}};;;,,.."),
        std::string("\0@@\n@", 5), std::string("log")}) {
    const Read read(kSource + text + noise);
    EXPECT_LE(read.rows.size(), 20u);
  }
}

TEST(SyslogNg, IsReadWhereItIsInstalled) {
  HostFolder folder;
  folder.Write("usr/sbin/syslog-ng", "");
  folder.Write("etc/syslog-ng/syslog-ng.conf",
               std::string(kSource) + "@include \"/etc/syslog-ng/conf.d\"\n");
  folder.Write("etc/syslog-ng/conf.d/a.conf",
               "log { source(s); destination { file(\"/a\"); }; };");
  folder.Write("etc/syslog-ng/conf.d/b.off", "log {");
  v1::Snapshot snapshot;
  ASSERT_TRUE(CollectSyslogConfig(Host(folder.path()), snapshot).ok());
  EXPECT_EQ(snapshot.gaps_size(), 0) << snapshot.gaps(0).DebugString();
  ASSERT_EQ(snapshot.syslog_config_size(), 20);
  EXPECT_EQ(snapshot.syslog_config(0).source(),
            "/etc/syslog-ng/conf.d/a.conf:1");
}

// What one that stands before takes does not get to the others.
TEST(SyslogNg, FallbackAndFinalCountWhereverPathsStandSideBySide) {
  const std::string parts =
      std::string(kSource) +
      "filter f { facility(auth); };\n"
      "destination here { file(\"/a\"); };\n"
      "destination away { network(\"log\"); };\n";
  const Read within(parts +
                    "log { source(s); log { filter(f); destination(here); };\n"
                    " log { destination(away); flags(fallback); }; };\n");
  EXPECT_THAT(within.Of("auth"), ElementsAre(HasSubstr("file /a")));
  EXPECT_THAT(within.Of("mail"), ElementsAre(HasSubstr("forward @@log")));
  const Read channels(
      parts +
      "log { source(s); junction {\n"
      " channel { filter(f); destination(here); flags(final); };\n"
      " channel { destination(away); }; }; };\n");
  EXPECT_THAT(channels.Of("auth"), ElementsAre(HasSubstr("file /a")));
  EXPECT_THAT(channels.Of("mail"), ElementsAre(HasSubstr("forward @@log")));
}

TEST(SyslogNg, ASourceThatIsNotTheHostsOwnIsNotAllOfIt) {
  const auto away = [](const std::string& source) {
    return Read("source s { " + source +
                " };\nlog { source(s); destination { network(\"log\"); }; };\n");
  };
  EXPECT_EQ(away("unix-dgram(\"/dev/log\");").Of("auth").size(), 1u);
  EXPECT_EQ(away("unix_stream(\"/dev/log\");").Of("auth").size(), 1u);
  EXPECT_THAT(away("network(port(514));").Of("auth"), IsEmpty());
  EXPECT_THAT(away("network(port(514));").Troubles(), IsEmpty());
  EXPECT_EQ(away("file(\"/proc/kmsg\");").Of("kern").size(), 1u);
  for (const char* unknown :
       {"unix-dgram(\"/var/spool/postfix/dev/log\");", "mysys();",
        "channel { source { system(); }; };"}) {
    EXPECT_THAT(away(unknown).Of("auth"), IsEmpty()) << unknown;
    EXPECT_EQ(away(unknown).Troubles().size(), 1u) << unknown;
  }
}

TEST(SyslogNg, AChainOfFiltersHasAnEnd) {
  std::string text = kSource;
  for (int i = 0; i < 20000; ++i)
    text += fmt::format("filter a{} {{ filter(a{}); }};\n", i, i + 1);
  const Read read(text +
                  "log { source(s); filter(a0); destination { file(\"/a\"); "
                  "}; };\n");
  EXPECT_THAT(read.Of("auth"), IsEmpty());
  EXPECT_THAT(read.Troubles(), Contains(HasSubstr("too deep")));
}

TEST(SyslogNg, WhatStandsBehindAnIncludeIsAComment) {
  const Read read("@include \"more.conf\" # of ours\n",
                  {{"/etc/syslog-ng/more.conf",
                    std::string(kSource) +
                        "log { source(s); destination { file(\"/a\"); }; };"}});
  EXPECT_EQ(read.Of("auth").size(), 1u);
}

}  // namespace
}  // namespace metsuke
