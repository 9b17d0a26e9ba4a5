#include "collectors/nginx_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What NginxReader makes of nginx.conf and of files it may include.
struct Read {
  explicit Read(const std::string& text,
                const std::map<std::string, std::string>& files = {})
      : reader({}, [files](const std::string& path, bool) {
          const auto file = files.find(path);
          return file == files.end()
                     ? std::vector<WebFile>{}
                     : std::vector<WebFile>{{path, file->second}};
        }) {
    reader.Read({"conf", text});
    reader.AddTo(table);
  }

  // "SITE | PATH all -MISSING SOURCE unlogged … lacking …".
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
      if (r.lacking_size())
        line += fmt::format(" lacking {}", fmt::join(r.lacking(), ","));
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

  NginxReader reader;
  WebTable table;
};

std::string Http(const std::string& text) { return "http {" + text + "}"; }

// The format of the one row of a site that logs to /l by `format`.
v1::WebAccessLog ByFormat(const std::string& format) {
  const Read read(
      Http("log_format f " + format + "; server { access_log /l f; }"));
  EXPECT_EQ(read.table.rows().size(), 1u);
  return read.table.rows().empty() ? v1::WebAccessLog() : read.table.rows()[0];
}

TEST(NginxReader, ASilentConfigurationLogsWhereTheBuildSays) {
  const Read read(Http("server { }"));
  EXPECT_THAT(read.Rows(),
              ElementsAre("*:80 | /var/log/nginx/access.log all default"));
  EXPECT_EQ(read.table.rows()[0].server(), "nginx");
  EXPECT_THAT(read.table.rows()[0].format(),
              HasSubstr("$remote_addr - $remote_user [$time_local]"));
  EXPECT_THAT(read.Troubles(), IsEmpty());
}

TEST(NginxReader, ALevelsOwnLogsTakeThePlaceOfTheOuterOnes) {
  const Read read(
      "http {\n access_log /a;\n access_log /b;\n"
      " server { server_name in; }\n"
      " server { server_name own;\n access_log /c; }\n"
      " server { server_name silent;\n access_log off;\n access_log /d; "
      "}\n}\n");
  EXPECT_THAT(read.Rows(),
              ElementsAre("in *:80 | /a all conf:2", "in *:80 | /b all conf:3",
                          "own *:80 | /c all conf:6",
                          "silent *:80 |  none conf:8 unlogged conf:8"));
}

TEST(NginxReader, WhatComesAfterAServerHoldsForItToo) {
  EXPECT_THAT(Read(Http("server { } access_log off;")).Rows(),
              ElementsAre("*:80 |  none conf:1 unlogged conf:1"));
}

TEST(NginxReader, ALocationWithoutALogLeavesSomeRequestsOut) {
  const Read read(
      "http { server { server_name a; access_log /l;\n"
      " location / { }\n"
      " location /quiet {\n  access_log off;\n }\n"
      " location /deep { location /deeper {\n  access_log off; } }\n"
      " location /if { if ($x) {\n access_log off; } }\n"
      " location /get { limit_except GET { access_log off; } } } }");
  EXPECT_THAT(
      read.Rows(),
      ElementsAre(
          "a *:80 | /l some conf:1 unlogged conf:10,conf:4,conf:7,conf:9"));
}

TEST(NginxReader, ALocationWithALogOfItsOwnLeavesNoneOut) {
  const Read read(
      Http("server { access_log /l; location /x { access_log /x; } "
           "location /y { access_log /l; } }"));
  EXPECT_THAT(read.Rows(),
              ElementsAre("*:80 | /l some conf:1", "*:80 | /x some conf:1"));
  EXPECT_THAT(
      Read(Http("server { access_log off; location / { access_log /x; } }"))
          .Rows(),
      ElementsAre("*:80 | /x some conf:1 unlogged conf:1"));
  EXPECT_THAT(
      Read(Http("server { access_log /l; location /y { access_log /l; } }"))
          .Rows(),
      ElementsAre("*:80 | /l all conf:1"));
  EXPECT_THAT(
      Read(Http("server { access_log /l;\nlocation /y { access_log /l combined "
                "if=$x; } }"))
          .Rows(),
      ElementsAre("*:80 | /l some conf:1 unlogged conf:2"));
}

TEST(NginxReader, AConditionLeavesSomeRequestsOut) {
  const auto row = [](const std::string& condition) {
    return Read(Http("server { access_log /l combined buffer=4k " + condition +
                     "; }"))
        .Rows()[0];
  };
  EXPECT_EQ(row("if=$loud"), "*:80 | /l some conf:1 unlogged conf:1");
  EXPECT_EQ(row("if=0"), "*:80 | /l none conf:1 unlogged conf:1");
  EXPECT_EQ(row("if=1"), "*:80 | /l all conf:1");
  EXPECT_EQ(row("gzip=5 flush=1m"), "*:80 | /l all conf:1");
  // Beside a log of all requests a condition takes nothing away.
  EXPECT_THAT(
      Read(Http("access_log /a; access_log /b combined if=$x; server{}"))
          .Rows(),
      ElementsAre("*:80 | /a all conf:1", "*:80 | /b some conf:1"));
}

TEST(NginxReader, WhereALogGoes) {
  EXPECT_THAT(
      Read(Http("server { access_log syslog:server=192.0.2.1,tag=x combined; "
                "access_log /v/$host.log; access_log logs/mine; "
                "access_log /dev/null; }"))
          .Rows(),
      ElementsAre("*:80 | /dev/null none conf:1",
                  "*:80 | /usr/share/nginx/logs/mine all conf:1",
                  "*:80 | /v/$host.log all conf:1",
                  "*:80 | syslog:server=192.0.2.1,tag=x all conf:1"));
  EXPECT_THAT(Read(Http("server { access_log /dev/null; }")).Rows(),
              ElementsAre("*:80 | /dev/null none conf:1 unlogged conf:1"));
}

TEST(NginxReader, TwoLogsInOneFileAreOneRow) {
  EXPECT_THAT(Read(Http("log_format t '$msec'; server { access_log /l t; "
                        "access_log /l; }"))
                  .Rows(),
              ElementsAre("*:80 | /l all conf:1"));
}

TEST(NginxReader, LocationsInOneFileMissWhatOneOfThemMisses) {
  const std::string formats =
      "log_format a '$remote_addr $msec $request $status';"
      "log_format b '$remote_addr $msec $request $remote_user';";
  EXPECT_THAT(Read(Http(formats + "server { access_log /l a; location /x { "
                                  "access_log /l b; } }"))
                  .Rows(),
              ElementsAre("*:80 | /l all -status,user conf:1 lacking "
                          "status,user"));
  EXPECT_THAT(
      Read(Http(formats + "server { access_log /l a; access_log /l b; }"))
          .Rows(),
      ElementsAre("*:80 | /l all conf:1"));
  EXPECT_THAT(Read(Http(formats + "server { access_log /l a if=$x; "
                                  "access_log /l b if=$y; }"))
                  .Rows(),
              ElementsAre("*:80 | /l some -status,user conf:1 unlogged conf:1 "
                          "lacking status,user"));
}

TEST(NginxReader, WhatAFormatMisses) {
  const auto missing = [](const std::string& format) {
    return fmt::format("{}", fmt::join(ByFormat(format).missing(), ","));
  };
  EXPECT_EQ(missing("'$remote_addr $remote_user $time_local $request $status'"),
            "");
  EXPECT_EQ(missing("''"), "client,request,status,time,user");
  // Longer names are other variables.
  EXPECT_EQ(missing("'$remote_address $request_time $status_x $time_localx'"),
            "client,request,status,time,user");
  EXPECT_EQ(missing("'${realip_remote_addr}x ${msec}' '$request_method $uri'"),
            "status,user");
  EXPECT_EQ(missing("'$request_uri $status'"), "client,request,time,user");
  EXPECT_EQ(
      missing("$http_x_forwarded_for$request_method$request_uri$time_iso8601"
              "$status$ssl_client_s_dn"),
      "");
  EXPECT_EQ(missing("'$binary_remote_addr'"), "request,status,time,user");
  EXPECT_EQ(missing("'$proxy_protocol_addr'"), "request,status,time,user");
}

TEST(NginxReader, AFormatIsTheSumOfItsParts) {
  EXPECT_EQ(
      ByFormat("escape=json '{\"a\":\"$remote_addr\",'\n  \"\\\"t\\\":\" $msec")
          .format(),
      "{\"a\":\"$remote_addr\",\"t\":$msec");
  EXPECT_EQ(ByFormat("'" + std::string(4000, 'x') + "' '" +
                     std::string(95, 'x') + "é'")
                .format(),
            std::string(4095, 'x'));
}

TEST(NginxReader, AnUnknownFormatIsTold) {
  const Read read(Http("server { access_log /l none; }"));
  EXPECT_THAT(read.Troubles(), ElementsAre("conf:1: unknown log_format none"));
  EXPECT_THAT(
      read.Rows(),
      ElementsAre("*:80 | /l all -client,request,status,time,user conf:1 "
                  "lacking client,request,status,time,user"));
}

TEST(NginxReader, ASiteLacksWhatNoLogOfARequestHas) {
  const std::string formats =
      "log_format a '$remote_addr $msec $request'; log_format b '$status "
      "$remote_user';";
  EXPECT_THAT(
      Read(Http(formats + "server { access_log /a a; access_log /b b; }"))
          .Rows(),
      ElementsAre("*:80 | /a all -status,user conf:1",
                  "*:80 | /b all -client,request,time conf:1"));
  EXPECT_THAT(
      Read(Http(formats + "server { access_log /a a; access_log /b b if=$x; }"))
          .Rows(),
      ElementsAre(
          "*:80 | /a all -status,user conf:1 lacking status,user",
          "*:80 | /b some -client,request,time conf:1 lacking status,user"));
  EXPECT_THAT(
      Read(Http(formats + "server { access_log /c; location /x { access_log "
                          "/a a; } }"))
          .Rows(),
      ElementsAre("*:80 | /a some -status,user conf:1 lacking status,user",
                  "*:80 | /c some conf:1 lacking status,user"));
  EXPECT_THAT(
      Read(Http(formats + "server { access_log /a a if=$x; access_log /c "
                          "combined if=$y; }"))
          .Rows(),
      ElementsAre("*:80 | /a some -status,user conf:1 unlogged conf:1 lacking "
                  "status,user",
                  "*:80 | /c some conf:1 unlogged conf:1 lacking status,user"));
}

TEST(NginxReader, ASiteIsCalledByItsFirstNameAndItsAddresses) {
  const Read read(Http(
      "access_log off;"
      "server { listen 443 ssl; listen [::]:443 ssl; server_name "
      "WWW.Example.com "
      "*.example.com ~^(?<A>.+)$; }"
      "server { listen 192.0.2.1; listen [::1]; server_name \"\" y; }"
      "server { listen unix:/run/n.sock; listen 127.0.0.1:81; server_name _; }"
      "server { listen 0.0.0.0:80; server_name a; } server { server_name a; "
      "}"));
  std::vector<std::string> sites;
  for (const auto& row : read.table.rows())
    sites.push_back(fmt::format("{}{} ({})", row.site(),
                                row.loopback() ? " loopback" : "",
                                fmt::join(row.names(), ",")));
  EXPECT_THAT(sites, ElementsAre("www.example.com *:443 [::]:443 "
                                 "(*.example.com,www.example.com,~^(?<A>.+)$)",
                                 "y 192.0.2.1:80 [::1]:80 (y)",
                                 "_ 127.0.0.1:81 unix:/run/n.sock loopback (_)",
                                 "a *:80 (a)", "a *:80 #2 (a)"));
}

TEST(NginxReader, IncludesStandWhereTheirTextWould) {
  const Read read(
      "include mods/*;\nhttp { include /etc/nginx/sites; access_log /h; }",
      {{"/etc/nginx/sites", "server { include log; }"},
       {"/etc/nginx/log", "\naccess_log /i;"}});
  EXPECT_THAT(read.Rows(), ElementsAre("*:80 | /i all /etc/nginx/log:2"));
}

TEST(NginxReader, IncludesInEachOtherEnd) {
  const Read read(Http("include a;"),
                  {{"/etc/nginx/a", "include a; server { }"}});
  EXPECT_EQ(read.table.rows().size(), 16u);
  EXPECT_THAT(read.Troubles(),
              ElementsAre("/etc/nginx/a:1: includes too deep"));
}

TEST(NginxReader, WordsQuotesAndComments) {
  const Read read(
      "http { # } access_log off;\n server { access_log '/a b' ; server_name "
      "x#y \"q{\";\n"
      "  location ~ ^/a$ { access_log off; }\n"
      "  location ~ \"^/b{2}\" { } set $x ${y}z; }\n"
      "server{access_log \"/q\\\"\";}}");
  EXPECT_THAT(read.Rows(),
              ElementsAre("x#y *:80 | /a b some conf:2 unlogged conf:3",
                          "*:80 | /q\" all conf:5"));
}

TEST(NginxReader, OtherBlocksSayNothing) {
  const Read read(
      "stream { access_log off; server { listen 1; access_log /s; } }\n"
      "http { map $a $b { default 1; include x; access_log off; }\n"
      " types { server {} } upstream u { server 192.0.2.9; }\n"
      " server { content_by_lua_block { if a == \"}\" then -- }\n"
      " b = [[ } ]] t = {} end } } access_log /l; }",
      {{"/etc/nginx/x", "server { }"}});
  EXPECT_THAT(read.Rows(), ElementsAre("*:80 | /l all conf:5"));
  EXPECT_THAT(read.Troubles(), IsEmpty());
}

TEST(NginxReader, WhatIsNotUnderstoodIsTold) {
  EXPECT_THAT(Read("http { server { access_log /l; }").Troubles(),
              ElementsAre("conf: the file ends within a directive"));
  EXPECT_THAT(Read("http { }\n}").Troubles(),
              ElementsAre("conf:2: an unexpected }"));
  EXPECT_THAT(Read("http { access_log }").Troubles(),
              ElementsAre("conf:1: a directive has no end"));
  EXPECT_THAT(Read("a " + std::string(5000, 'x') + ";").Troubles(),
              ElementsAre("conf:1: a word is too long"));
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "a { ";
  EXPECT_THAT(Read(deep).Troubles(),
              testing::Contains("conf:1: blocks too deep"));
}

TEST(NginxReader, ATableHasAnEnd) {
  std::string text = "http {";
  for (int i = 0; i < 5000; ++i)
    text += fmt::format("server {{ listen {}; }}\n", i);
  const Read read(text + "}");
  EXPECT_EQ(read.table.rows().size(), 4000u);
  EXPECT_TRUE(read.table.full());
  std::string junk;
  for (int i = 0; i < 1000; ++i) junk += "}\n";
  EXPECT_EQ(Read(junk).Troubles().size(), 201u);
}

}  // namespace
}  // namespace metsuke
