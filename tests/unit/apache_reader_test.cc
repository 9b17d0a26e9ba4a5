#include "collectors/apache_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "collectors/apache_format.h"
#include "collectors/shell_variables.h"

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// What ApacheReader makes of httpd.conf and of files it may include.
struct Read {
  explicit Read(const std::string& text,
                const std::map<std::string, std::string>& files = {})
      : reader({"/root", {{"LOGS", "/logs"}}, {"core.c", "mod_so.c"}},
               [files](const std::string& path, bool) {
                 const auto file = files.find(path);
                 return file == files.end()
                            ? std::vector<WebFile>{}
                            : std::vector<WebFile>{{path, file->second}};
               }) {
    reader.Read({"conf", text});
    reader.AddTo(table);
  }

  std::vector<std::string> Rows() const {
    std::vector<std::string> lines;
    for (const v1::WebAccessLog& r : table.rows()) {
      std::string line =
          fmt::format("{} | {} {}", r.site(), r.path(), r.logged());
      if (r.missing_size())
        line += fmt::format(" -{}", fmt::join(r.missing(), ","));
      line += " " + r.source();
      if (r.unlogged_size())
        line += fmt::format(" unlogged {}", fmt::join(r.unlogged(), ","));
      lines.push_back(line);
    }
    return lines;
  }

  std::vector<std::string> Troubles() const {
    std::vector<std::string> lines;
    for (const auto& [where, why] : reader.troubles().all())
      lines.push_back(where + ": " + why);
    return lines;
  }

  ApacheReader reader;
  WebTable table;
};

// The rows of a virtual host in which `text` stands, after `before`.
std::vector<std::string> InHost(const std::string& text,
                                const std::string& before = "") {
  return Read(before + "<VirtualHost *:80>\n" + text + "\n</VirtualHost>\n")
      .Rows();
}

constexpr char kWhole[] = "LogFormat \"%h %u %t \\\"%r\\\" %>s\" whole\n";

TEST(ApacheReader, AHostHasTheServersLogsOnlyWithoutItsOwn) {
  const Read read(
      "<VirtualHost *:80>\nServerName in\n</VirtualHost>\n"
      "<VirtualHost *:80>\nServerName own\nCustomLog /own \"%h %u %t %r "
      "%s\"\n</VirtualHost>\n"
      "CustomLog /all whole\n" +
      std::string(kWhole));
  EXPECT_THAT(read.Rows(), ElementsAre("in *:80 | /all all conf:8",
                                       "own *:80 | /own all conf:6"));
  EXPECT_EQ(read.table.rows()[0].format(), "%h %u %t \"%r\" %>s");
  EXPECT_EQ(read.table.rows()[0].server(), "apache");
  EXPECT_THAT(read.Troubles(), IsEmpty());
}

TEST(ApacheReader, WithoutALogNothingIsLogged) {
  EXPECT_THAT(InHost(""), ElementsAre("*:80 |  none default unlogged default"));
}

TEST(ApacheReader, AGlobalLogIsEveryHosts) {
  EXPECT_THAT(
      InHost("CustomLog /own clf", "GlobalLog /global clf\n"),
      ElementsAre("*:80 | /global all conf:1", "*:80 | /own all conf:3"));
  EXPECT_THAT(
      InHost("", "GlobalLog /global clf\nCustomLog /other clf\n"),
      ElementsAre("*:80 | /global all conf:1", "*:80 | /other all conf:2"));
}

TEST(ApacheReader, AConditionLeavesSomeRequestsOut) {
  EXPECT_THAT(InHost("CustomLog /l clf env=!quiet"),
              ElementsAre("*:80 | /l some conf:2 unlogged conf:2"));
  EXPECT_THAT(InHost("CustomLog /l clf \"expr=%{REQUEST_STATUS} >= 400\""),
              ElementsAre("*:80 | /l some conf:2 unlogged conf:2"));
  EXPECT_THAT(InHost("CustomLog /dev/null clf"),
              ElementsAre("*:80 | /dev/null none conf:2 unlogged conf:2"));
}

TEST(ApacheReader, WhereALogGoes) {
  EXPECT_THAT(
      InHost("CustomLog logs/a clf\nCustomLog \"|/bin/rotatelogs -l /x 86400\" "
             "clf\n"
             "CustomLog ${LOGS}/b clf\nTransferLog logs/c"),
      ElementsAre("*:80 | /logs/b all conf:4", "*:80 | /root/logs/a all conf:2",
                  "*:80 | /root/logs/c all conf:5",
                  "*:80 | |/bin/rotatelogs -l /x 86400 all conf:3"));
  EXPECT_THAT(InHost("CustomLog logs/a clf", "ServerRoot \"/srv\"\n"),
              ElementsAre("*:80 | /srv/logs/a all conf:3"));
}

TEST(ApacheReader, WhatAFormatMisses) {
  const auto missing = [](std::string_view format) {
    return fmt::format("{}", fmt::join(ApacheMissing(format), ","));
  };
  EXPECT_EQ(missing("%h %l %u %t \"%r\" %>s %b"), "");
  EXPECT_EQ(missing("%a %{%s}t %m %U%q %s"), "user");
  EXPECT_EQ(missing("%{c}a %U"), "request,status,time,user");
  EXPECT_EQ(missing("%{X-Forwarded-For}i %{SSL_CLIENT_S_DN}x"),
            "request,status,time");
  EXPECT_EQ(missing("%{User-Agent}i %{SSL_PROTOCOL}x %{h}o %T %%h %%r"),
            "client,request,status,time,user");
  // Recorded only for some results.
  EXPECT_EQ(missing("%!200,304h %400r %<s"), "client,request,time,user");
  EXPECT_EQ(missing("%^FB %^ti"), "client,request,status,time,user");
  EXPECT_EQ(missing("%{open"), "client,request,status,time,user");
  EXPECT_EQ(missing("%"), "client,request,status,time,user");
}

TEST(ApacheReader, NamesOfFormats) {
  // The last definition counts, a host's own before the server's, and case
  // does not.
  EXPECT_THAT(InHost("CustomLog /l Short\nLogFormat \"%h %u %t %r %s\" short",
                     "LogFormat \"%h\" short\n"),
              ElementsAre("*:80 | /l all conf:3"));
  EXPECT_THAT(InHost("CustomLog /l short",
                     "LogFormat \"%h %u\" x\nLogFormat \"%h\" SHORT\n"),
              ElementsAre("*:80 | /l all -request,status,time,user conf:4"));
  // One without a name is that of TransferLog, and may be another's name.
  EXPECT_THAT(InHost("TransferLog /l", "LogFormat \"%t\"\n"),
              ElementsAre("*:80 | /l all -client,request,status,user conf:3"));
  EXPECT_THAT(InHost("TransferLog /l", "LogFormat x\nLogFormat \"%t %h\" x\n"),
              ElementsAre("*:80 | /l all -request,status,user conf:4"));
}

TEST(ApacheReader, LinesGoOnAfterABackslash) {
  const Read read(
      "# a comment \\\nCustomLog /no clf\n<VirtualHost \\\n  *:80>\n"
      "  customlog \\\n  \"/a \\\"b\" \\\n  clf\n</VirtualHost>\n");
  EXPECT_THAT(read.Rows(), ElementsAre("*:80 | /a \"b all conf:5"));
  EXPECT_EQ(ApacheLines("# a \\\nb\n\n c\r\n").size(), 1u);
}

TEST(ApacheReader, ASectionOfAModuleIsTakenWhenItIsLoaded) {
  const std::string load =
      "LoadModule ssl_module modules/mod_ssl.so\nLoadModule mpm_event_module "
      "m/mod_mpm_event.so\n"
      "LoadModule php_module m/libphp8.2.so\n";
  const auto taken = [&](const std::string& what) {
    return InHost("<IfModule " + what + ">\nCustomLog /l clf\n</IfModule>",
                  load)[0]
               .find("/l") != std::string::npos;
  };
  for (const char* what :
       {"ssl_module", "mod_ssl.c", "event.c", "mod_php.c", "core.c", "!x.c"})
    EXPECT_TRUE(taken(what)) << what;
  for (const char* what :
       {"!ssl_module", "!mod_ssl.c", "!core.c", "x_module", "prefork.c"})
    EXPECT_FALSE(taken(what)) << what;
}

TEST(ApacheReader, WithoutOneLoadedModuleASectionIsTakenAndTold) {
  const Read read(
      "<VirtualHost *:80>\n<IfModule mod_x.c>\nCustomLog /l "
      "clf\n</IfModule>\n</VirtualHost>");
  EXPECT_THAT(read.Rows(), ElementsAre("*:80 | /l all conf:3"));
  EXPECT_THAT(
      read.Troubles(),
      ElementsAre(
          "conf:2: whether the section counts cannot be told; it is taken"));
}

TEST(ApacheReader, ASectionThatIsNotTakenIsPassedOverWithWhatIsInIt) {
  const Read read(
      "Define YES\nDefine NO\nUnDefine NO\n<VirtualHost *:80>\n"
      "<IfDefine NO>\n<IfDefine YES>\nCustomLog /no clf\n</IfDefine>\n"
      "<Location />\n</Location>\nInclude x\n</IfDefine>\n"
      "<IfDefine YES>\nCustomLog /yes clf\n</IfDefine>\n"
      "<IfDefine !YES>\nCustomLog /no clf\n</IfDefine>\n</VirtualHost>\n");
  EXPECT_THAT(read.Rows(), ElementsAre("*:80 | /yes all conf:14"));
  EXPECT_THAT(read.Troubles(), IsEmpty());
}

TEST(ApacheReader, VersionsAreThoseOf24) {
  const auto taken = [](const std::string& what) {
    return InHost("<IfVersion " + what + ">\nCustomLog /l clf\n</IfVersion>")[0]
               .find("/l") != std::string::npos;
  };
  for (const char* what : {">= 2.4", "> 2.2", "< 2.5", "!< 2.4", ">= 2"})
    EXPECT_TRUE(taken(what)) << what;
  for (const char* what : {"< 2.4", ">= 2.5", "!>= 2.4", "< 2.2.9", "= 2.2"})
    EXPECT_FALSE(taken(what)) << what;
  EXPECT_THAT(
      Read("<IfVersion >= 2.4.60>\n</IfVersion>").Troubles(),
      ElementsAre(
          "conf:1: whether the section counts cannot be told; it is taken"));
}

TEST(ApacheReader, VariablesComeFromDefineAndTheEnvironment) {
  EXPECT_THAT(InHost("CustomLog ${LOGS}/${name}.log clf", "Define name x\n"),
              ElementsAre("*:80 | /logs/x.log all conf:3"));
  const Read read(
      "<VirtualHost *:80>\nCustomLog ${WHERE}/l clf\n</VirtualHost>");
  EXPECT_THAT(read.Troubles(),
              ElementsAre("conf:2: ${WHERE} has no value here"));
  EXPECT_THAT(read.Rows(), ElementsAre("*:80 | /root/${WHERE}/l all conf:2"));
}

TEST(ApacheReader, AVariableDoesNotGrowWithoutEnd) {
  std::string text = "Define a 0123456789\n";
  for (int i = 0; i < 64; ++i) text += "Define a ${a}${a}\n";
  EXPECT_THAT(Read(text).Rows(), IsEmpty());
}

TEST(ApacheReader, NamesAndAddresses) {
  const Read read(
      "<VirtualHost _default_:443 [::1]:443>\nServerName "
      "https://www.example.com:443\n"
      "ServerAlias b a\nServerAlias c\n</VirtualHost>\n"
      "<VirtualHost 127.0.0.1>\n</VirtualHost>\n<VirtualHost *>\nServerName "
      "x\n</VirtualHost>\n"
      "<VirtualHost *>\nServerName x\n</VirtualHost>\n");
  std::vector<std::string> sites;
  for (const auto& row : read.table.rows())
    sites.push_back(fmt::format("{}{} ({})", row.site(),
                                row.loopback() ? " loopback" : "",
                                fmt::join(row.names(), ",")));
  EXPECT_THAT(
      sites,
      ElementsAre("www.example.com *:443 [::1]:443 (a,b,c,www.example.com)",
                  "127.0.0.1:* loopback ()", "x *:* (x)", "x *:* #2 (x)"));
}

TEST(ApacheReader, TheMainServerIsASiteWhereNoHostTakesAll) {
  const std::string log =
      "CustomLog /m clf\nListen 80\nListen 192.0.2.1:81 http\nListen "
      "[::]:443\n";
  EXPECT_THAT(Read(log + "ServerName main").Rows(),
              ElementsAre("main *:80 192.0.2.1:81 [::]:443 | /m all conf:1"));
  EXPECT_THAT(
      Read(log +
           "<VirtualHost *:80>\n</VirtualHost>\n<VirtualHost 192.0.2.1:81>\n"
           "</VirtualHost>\n<VirtualHost 192.0.2.1:80>\n</VirtualHost>")
          .Rows()[0],
      "[::]:443 | /m all conf:1");
  EXPECT_THAT(Read(log + "<VirtualHost 192.0.2.1:*>\n</VirtualHost>").Rows()[0],
              "*:80 [::]:443 | /m all conf:1");
  EXPECT_THAT(Read(log + "<VirtualHost *>\n</VirtualHost>").Rows(),
              ElementsAre("*:* | /m all conf:1"));
}

TEST(ApacheReader, IncludesAreRelativeToTheServerRoot) {
  const Read read(
      "ServerRoot /srv\nInclude sites/*\n<VirtualHost *:80>\nIncludeOptional "
      "log\n</VirtualHost>",
      {{"/srv/sites/*", "<VirtualHost *:81>\nCustomLog /l clf\n</VirtualHost>"},
       {"/srv/log", "CustomLog /i clf"}});
  EXPECT_THAT(read.Rows(), ElementsAre("*:81 | /l all /srv/sites/*:2",
                                       "*:80 | /i all /srv/log:1"));
  const Read loop("Include a",
                  {{"/root/a", "<VirtualHost *>\n</VirtualHost>\nInclude a"}});
  EXPECT_EQ(loop.table.rows().size(), 20u);
  EXPECT_THAT(loop.Troubles(), ElementsAre("/root/a:3: includes too deep"));
}

TEST(ApacheReader, LogsOfOtherSectionsAreNone) {
  EXPECT_THAT(
      InHost("<Directory />\nCustomLog /no clf\nServerName no\n</Directory>\n"
             "<Macro M>\n<VirtualHost *:81>\n</VirtualHost>\n</Macro>"),
      ElementsAre("*:80 |  none default unlogged default"));
}

TEST(ApacheReader, WhatIsNotUnderstoodIsTold) {
  EXPECT_THAT(Read("Use Site a").Troubles(),
              ElementsAre("conf:1: the macro Site is not read"));
  EXPECT_THAT(Read("\n<VirtualHost *:80>").Troubles(),
              ElementsAre("conf:2: the section has no end"));
  EXPECT_THAT(Read("</Location>\nCustomLog /l").Troubles(),
              ElementsAre("conf:1: an unexpected </location>",
                          "conf:2: a log without a format"));
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "<Location />\n";
  EXPECT_THAT(Read(deep).Troubles(),
              testing::Contains("conf:51: sections too deep"));
}

TEST(ShellVariables, AreAssignedInTheirOrder) {
  EXPECT_THAT(
      ShellVariables(
          "# A=0\nA=1\nexport B=\"$A/${A}x\" # c\n\tC='$A'\nD=`ls`\nE=$(ls)\n"
          "F=1\nF=${F##x}\nif [ $A = 2 ]; then\nG=$NONE/g\n"),
      UnorderedElementsAre(Pair("A", "1"), Pair("B", "1/1x"), Pair("C", "$A"),
                           Pair("G", "/g")));
}

}  // namespace
}  // namespace metsuke
