// The baseline the product comes with.

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <boost/filesystem.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "controller/judge/baseline.h"
#include "controller/judge/sight.h"
#include "controller/judge/tables.h"

namespace metsuke {
namespace {

std::vector<v1::BaselineFile> ShippedFiles() {
  std::set<boost::filesystem::path> paths;
  for (const auto& entry : boost::filesystem::directory_iterator(
           METSUKE_SOURCE "/playbooks/baseline"))
    if (entry.path().extension() == ".yaml") paths.insert(entry.path());
  std::vector<v1::BaselineFile> files;
  for (const auto& path : paths) {
    std::ostringstream text;
    text << std::ifstream(path.string(), std::ios::binary).rdbuf();
    v1::BaselineFile& file = files.emplace_back();
    file.set_name(path.filename().string());
    file.set_yaml(text.str());
  }
  return files;
}

TEST(Baseline, TheShippedOneLoadsAndEveryControlProvesItself) {
  const auto baseline = LoadBaseline(ShippedFiles());
  ASSERT_TRUE(baseline.ok()) << baseline.status().message();
  EXPECT_GE(baseline->controls.size(), 35u);
}

// How the control of the shipped baseline comes out on a host of these rows, on
// which every collector did its work.
v1::Verdict On(const std::string& id, const std::string& rows) {
  static const CompiledBaseline* const baseline =
      new CompiledBaseline(*LoadBaseline(ShippedFiles()));
  v1::Snapshot host;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(rows, &host))
      << rows;
  auto tables = Tables::Open();
  EXPECT_TRUE(tables->LoadAll(host).ok());
  const Judgement judgement =
      Evaluate(*baseline->Find(id), *tables, Sight::Clear(), kExampleNow, {});
  EXPECT_NE(judgement.verdict, v1::VERDICT_UNKNOWN)
      << judgement.reason.raw();
  return judgement.verdict;
}

// sshd's options with what the daemon is said to make of them.
std::string Sshd(const std::string& daemon, const std::string& password,
                 const std::string& methods = "any") {
  std::string rows;
  for (const auto& [keyword, value] :
       {std::pair<std::string, std::string>{"port", "22"},
        {"permitrootlogin", "yes"},
        {"passwordauthentication", password},
        {"kbdinteractiveauthentication", password},
        {"authenticationmethods", methods}})
    rows += "sshd_options { keyword: '" + keyword + "' value: '" + value +
            "' daemon: '" + daemon + "' } ";
  return rows;
}

TEST(Baseline, AnSshdThatServesNobodyIsNotJudged) {
  const std::string idle = Sshd("not_running", "yes");
  for (const char* id : {"ssh-no-password", "ssh-no-root-login",
                         "ssh-strong-ciphers"}) {
    EXPECT_EQ(On(id, idle), v1::VERDICT_NOT_APPLICABLE) << id;
    EXPECT_EQ(On(id, idle + "services { name: 'ssh.service' enabled: 'disabled'"
                            " active: 'inactive' }"
                            "ports { protocol: 'tcp' port: 23 }"),
              v1::VERDICT_NOT_APPLICABLE)
        << id;
  }
  for (const char* serves :
       {"services { name: 'ssh.service' enabled: 'enabled' }",
        "services { name: 'sshd.service' active: 'active' }",
        "ports { protocol: 'tcp' port: 22 program: 'systemd' }",
        "ports { protocol: 'tcp' port: 2222 program: 'systemd' }"})
    EXPECT_EQ(On("ssh-no-password", idle + serves), v1::VERDICT_FAIL) << serves;
  EXPECT_EQ(On("ssh-no-password", Sshd("same", "yes")), v1::VERDICT_FAIL);
}

TEST(Baseline, WhatADaemonHasNotReadDoesNotCount) {
  for (const char* id : {"ssh-no-password", "ssh-no-keyboard-interactive",
                         "ssh-no-root-password"}) {
    EXPECT_EQ(On(id, Sshd("same", "no")), v1::VERDICT_PASS) << id;
    EXPECT_EQ(On(id, Sshd("stale", "no")), v1::VERDICT_FAIL) << id;
    EXPECT_EQ(On(id, Sshd("stale", "yes", "publickey")), v1::VERDICT_FAIL)
        << id;
  }
}

TEST(Baseline, MethodsThatAllAskForAKeyAreNoPassword) {
  for (const char* id : {"ssh-no-password", "ssh-no-keyboard-interactive",
                         "ssh-no-root-password"}) {
    for (const char* methods :
         {"publickey", "publickey,password publickey,keyboard-interactive",
          "publickey password,publickey"})
      EXPECT_EQ(On(id, Sshd("same", "yes", methods)), v1::VERDICT_PASS)
          << id << methods;
    for (const char* methods : {"any", "publickey password", "password",
                                "publickey,password keyboard-interactive:pam"})
      EXPECT_EQ(On(id, Sshd("same", "yes", methods)), v1::VERDICT_FAIL)
          << id << methods;
  }
}

// Instants are told from 2026-01-01, the day of the examples.
TEST(Baseline, AJournalAloneIsJudgedByItsRetentionAndItsRecords) {
  const auto journal = [](int days, int64_t retention) {
    return "log_files { source: 'journal' path: '/var/log/journal/1' newest: 1 "
           "oldest: " + std::to_string(kExampleNow - days * 86400) + " } "
           "journal_config { option: 'MaxRetentionSec' seconds: " +
           std::to_string(retention) + " } ";
  };
  const std::string old_wtmp =
      "log_files { source: 'wtmp' path: '/var/log/wtmp' oldest: 1700000000 } ";
  for (const char* id : {"log-system-kept", "log-authentication-kept"}) {
    EXPECT_EQ(On(id, ""), v1::VERDICT_NOT_APPLICABLE);
    EXPECT_EQ(On(id, journal(200, 0)), v1::VERDICT_PASS);
    EXPECT_EQ(On(id, journal(200, 0) + old_wtmp), v1::VERDICT_PASS);
    // A young host has nothing older to show.
    EXPECT_EQ(On(id, journal(10, 0)), v1::VERDICT_PASS);
    EXPECT_EQ(On(id, journal(10, 0) + old_wtmp), v1::VERDICT_FAIL);
    EXPECT_EQ(On(id, journal(10, 90 * 86400)), v1::VERDICT_PASS);
    EXPECT_EQ(On(id, journal(200, 90 * 86400 - 1)), v1::VERDICT_FAIL);
    EXPECT_EQ(On(id, journal(200, 1)), v1::VERDICT_FAIL);
  }
  EXPECT_EQ(On("log-system-kept",
               journal(10, 7 * 86400) + "log_files { source: 'syslog' newest: 1 }"),
            v1::VERDICT_PASS);
  EXPECT_EQ(On("log-system-kept",
               journal(10, 7 * 86400) + "log_files { source: 'syslog' newest: 1 }"
               "logrotate_rules { path: '/var/log/syslog' keep_days: 28 }"),
            v1::VERDICT_FAIL);
}

}  // namespace
}  // namespace metsuke
