// The collector web_access_logs on hosts made of folders.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/collector.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectWebAccessLogs(const Host& host, v1::Snapshot& snapshot);

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WebAccessLogs : public testing::Test {
 protected:
  void Nginx(const std::string& config) {
    folder_.Write("usr/sbin/nginx", "");
    folder_.Write("etc/nginx/nginx.conf", config);
  }
  void Apache(const std::string& config) {
    folder_.Write("usr/sbin/apache2", "");
    folder_.Write("etc/apache2/envvars", "export LOGS=/logs$SUFFIX\n");
    folder_.Write("etc/apache2/apache2.conf", config);
  }

  absl::Status Collect() {
    snapshot_.Clear();
    return CollectWebAccessLogs(RecordedHost(folder_.path()), snapshot_);
  }
  std::vector<std::string> Rows() {
    EXPECT_TRUE(Collect().ok());
    std::vector<std::string> rows;
    for (const auto& row : snapshot_.web_access_logs())
      rows.push_back(
          fmt::format("{} {} {}", row.site(), row.path(), row.source()));
    return rows;
  }
  std::vector<std::string> Gaps() {
    std::vector<std::string> gaps;
    for (const auto& gap : snapshot_.gaps())
      gaps.push_back(gap.subject() + ": " + gap.reason());
    return gaps;
  }

  HostFolder folder_;
  v1::Snapshot snapshot_;
};

TEST_F(WebAccessLogs, WithoutAServerThereIsNothing) {
  EXPECT_TRUE(IsAbsent(Collect()));
}

TEST_F(WebAccessLogs, AServerWithoutItsConfigurationIsAGap) {
  folder_.Write("usr/sbin/nginx", "");
  folder_.Write("usr/local/apache2/bin/httpd", "");
  EXPECT_THAT(Rows(), IsEmpty());
  ASSERT_EQ(snapshot_.gaps_size(), 2);
  EXPECT_EQ(snapshot_.gaps(0).subject(), "/etc/nginx/nginx.conf");
  EXPECT_EQ(snapshot_.gaps(1).subject(), "/usr/local/apache2/bin/httpd");
}

TEST_F(WebAccessLogs, WildcardsStandInFoldersTooAndPassHiddenFilesOver) {
  Nginx("http { include s/*/site[12]; access_log off; include none/*; }");
  for (const char* name :
       {"b/site1", "a/site2", "a/site1", "a/site3", ".c/site1", "a/.site1"})
    folder_.Write(std::string("etc/nginx/s/") + name,
                  fmt::format("server {{ server_name {}; }}", name));
  folder_.Write("etc/nginx/s/file", "");
  EXPECT_THAT(Rows(), ElementsAre("a/site1 *:80  /etc/nginx/nginx.conf:1",
                                  "a/site2 *:80  /etc/nginx/nginx.conf:1",
                                  "b/site1 *:80  /etc/nginx/nginx.conf:1"));
  EXPECT_THAT(Gaps(), IsEmpty());
}

TEST_F(WebAccessLogs, WhatCannotBeReadIsAGap) {
  Nginx("http { include gone; include big; server { } }");
  folder_.Write("etc/nginx/big", std::string((1 << 20) + 1, ' '));
  EXPECT_THAT(Rows(), ElementsAre("*:80 /var/log/nginx/access.log default"));
  ASSERT_EQ(snapshot_.gaps_size(), 2);
  EXPECT_EQ(snapshot_.gaps(0).subject(), "/etc/nginx/gone");
  EXPECT_EQ(snapshot_.gaps(1).subject(), "/etc/nginx/big");
}

TEST_F(WebAccessLogs, WhatNginxWasBuiltWithStandsInIt) {
  folder_.Write("usr/sbin/nginx",
                std::string((1 << 20) - 10, '\0') +
                    "configure arguments: --with-cc-opt='-O2 -g' "
                    "--prefix=/opt/n --conf-path=conf/n.conf" +
                    std::string(1, '\0') + " --http-log-path=/no");
  folder_.Write("opt/n/conf/n.conf",
                "http { include s; server { } server { access_log l; } }");
  folder_.Write("opt/n/conf/s", "server { server_name s; }");
  EXPECT_THAT(Rows(), ElementsAre("s *:80 /var/log/nginx/access.log default",
                                  "*:80 /var/log/nginx/access.log default",
                                  "*:80 #2 /opt/n/l /opt/n/conf/n.conf:1"));
}

TEST_F(WebAccessLogs, ApacheReadsWholeFoldersAndItsVariables) {
  Apache(
      "IncludeOptional gone\nIncludeOptional gone/*.conf\nInclude "
      "sites\nCustomLog ${LOGS}/a %h\n");
  folder_.Write("etc/apache2/sites/b/c", "<VirtualHost *:82>\n</VirtualHost>");
  folder_.Write("etc/apache2/sites/a", "<VirtualHost *:81>\n</VirtualHost>");
  EXPECT_THAT(Rows(), ElementsAre("*:81 /logs/a /etc/apache2/apache2.conf:4",
                                  "*:82 /logs/a /etc/apache2/apache2.conf:4"));
  EXPECT_THAT(Gaps(), IsEmpty());
  Apache("Include gone\n");
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_EQ(snapshot_.gaps_size(), 1);
}

TEST_F(WebAccessLogs, DebiansBuiltInModulesAreThere) {
  Apache(
      "LoadModule x m/x.so\n<VirtualHost *:80>\n<IfModule "
      "log_config_module>\nCustomLog /l %h\n"
      "</IfModule>\n</VirtualHost>\n");
  EXPECT_THAT(Rows(), ElementsAre("*:80 /l /etc/apache2/apache2.conf:4"));
}

TEST_F(WebAccessLogs, ThereIsAnEndToFiles) {
  Nginx("http { include many/*; }");
  for (int i = 0; i < 2001; ++i)
    folder_.Write(fmt::format("etc/nginx/many/{:04}", i),
                  "server { access_log off; }");
  EXPECT_EQ(Rows().size(), 2000u);
  EXPECT_THAT(Gaps(),
              ElementsAre("/etc/nginx/many/*: more files than are read"));
}

}  // namespace
}  // namespace metsuke
