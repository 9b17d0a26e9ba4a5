// The baseline the product comes with.

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <boost/filesystem.hpp>
#include <fstream>
#include <set>
#include <sstream>
#include <tuple>

#include "controller/judge/baseline.h"
#include "controller/judge/sight.h"
#include "controller/judge/tables.h"
#include "controller/table_digests.h"

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

TEST(Baseline, EvidenceDoesNotTellHostsApartByTheirNames) {
  const auto baseline = LoadBaseline(ShippedFiles());
  ASSERT_TRUE(baseline.ok()) << baseline.status().message();
  // The name stands beside the evidence; within, it would keep the same of many
  // hosts from being one line of a report.
  for (const CompiledControl& control : baseline->controls)
    EXPECT_EQ(control.control.violations().find("SELECT hostname"),
              std::string::npos)
        << control.control.id();
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
  EXPECT_NE(judgement.verdict, v1::VERDICT_UNKNOWN) << judgement.reason.raw();
  return judgement.verdict;
}

// Verifying all journals takes metsuke-collect more than an hour after its start.
TEST(Baseline, WhatIsNotVerifiedYetHidesDamageAlone) {
  const auto baseline = LoadBaseline(ShippedFiles());
  ASSERT_TRUE(baseline.ok());
  v1::Snapshot host;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "log_sources { source: 'journal' path: '/j/system.journal' oldest: 1 } "
      "collections { table: 'log_sources' status: 'ok' columns: 99 } "
      "collections { table: 'log_gaps' status: 'ok' columns: 99 } "
      "gaps { table: 'log_gaps' subject: '/j/system.journal' "
      "reason: 'not all of its files were verified yet' columns: 'damage' }",
      &host));
  const auto verdict = [&](const std::string& id) {
    auto tables = Tables::Open();
    EXPECT_TRUE(tables->LoadAll(host).ok());
    return Evaluate(*baseline->Find(id), *tables, Sight(host, TableDigests()),
                    kExampleNow, {})
        .verdict;
  };
  EXPECT_EQ(verdict("log-without-gaps"), v1::VERDICT_PASS);
  EXPECT_EQ(verdict("log-in-its-rhythm"), v1::VERDICT_PASS);
  EXPECT_EQ(verdict("log-journal-whole"), v1::VERDICT_UNKNOWN);
  host.mutable_gaps(0)->clear_columns();
  EXPECT_EQ(verdict("log-in-its-rhythm"), v1::VERDICT_UNKNOWN);
}

// An sshd of which `daemon` is said, with more rows of the host.
std::string Sshd(const std::string& daemon, const std::string& rows = "") {
  return "sshd_options { keyword: 'port' value: '22' daemon: '" + daemon +
         "' } sshd_options { keyword: 'ciphers' value: 'arcfour' daemon: '" +
         daemon + "' } " + rows;
}

// A way in from anywhere that works.
std::string Way(const std::string& account, const std::string& method,
                const std::string& more = "daemon: 'same'") {
  return "ssh_access { account: '" + account + "' method: '" + method +
         "' source: 'any' listener: '*:22' usable: true " + more + " } ";
}

TEST(Baseline, AnSshdThatServesNobodyIsNotJudged) {
  const std::string way = Way("alice", "password");
  for (const char* id :
       {"ssh-no-password", "ssh-nobody-with-password", "ssh-no-root-login",
        "ssh-strong-ciphers", "ssh-source-limited", "ssh-second-factor"}) {
    EXPECT_EQ(On(id, Sshd("not_running", way)), v1::VERDICT_NOT_APPLICABLE)
        << id;
    EXPECT_EQ(On(id, ""), v1::VERDICT_NOT_APPLICABLE) << id;
  }
  for (const char* daemon : {"same", "unknown", "command_line"})
    for (const char* id : {"ssh-no-password", "ssh-strong-ciphers"})
      EXPECT_EQ(On(id, Sshd(daemon, way)), v1::VERDICT_FAIL) << id << daemon;
}

TEST(Baseline, WhatADaemonHasNotReadDoesNotCount) {
  for (const char* id :
       {"ssh-no-password", "ssh-nobody-with-password", "ssh-no-root-password",
        "ssh-no-root-login", "ssh-named-accounts-only", "ssh-no-trusted-host",
        "ssh-few-reach-root", "ssh-no-service-account", "ssh-second-factor",
        "ssh-second-factor-administrators"}) {
    EXPECT_EQ(On(id, Sshd("same",
                          "ssh_access { account: 'root' root: true "
                          "method: 'publickey' daemon: 'same' }")),
              v1::VERDICT_PASS)
        << id;
    EXPECT_EQ(On(id, Sshd("stale",
                          "ssh_access { account: 'root' root: true "
                          "method: 'publickey' daemon: 'stale' }")),
              v1::VERDICT_FAIL)
        << id;
  }
}

TEST(Baseline, APasswordBesideAKeyIsNoPasswordAlone) {
  const std::string root = "root: true daemon: 'same'";
  for (const char* id : {"ssh-no-password", "ssh-nobody-with-password",
                         "ssh-no-root-password"}) {
    for (const char* method :
         {"publickey", "publickey,password", "keyboard-interactive,publickey"})
      EXPECT_EQ(On(id, Sshd("same", Way("root", method, root))),
                v1::VERDICT_PASS)
          << id << method;
    for (const char* method :
         {"password", "keyboard-interactive", "password,keyboard-interactive"})
      EXPECT_EQ(On(id, Sshd("same", Way("root", method, root))),
                v1::VERDICT_FAIL)
          << id << method;
  }
}

TEST(Baseline, OnlyAKeyWithSomethingMoreOrInHardwareIsTwoFactors) {
  const auto on = [](const std::string& method, const std::string& why,
                     const std::string& keys) {
    return On("ssh-second-factor",
              Sshd("same", Way("alice", method, "why: '" + why + "'") + keys));
  };
  const std::string key = "x; key in /k",
                    hard =
                        "authorized_keys { account: 'alice' fingerprint: "
                        "'a' type: 'sk-ssh-ed25519@openssh.com' ",
                    soft =
                        "authorized_keys { account: 'alice' fingerprint: "
                        "'b' type: 'ssh-ed25519' ";
  EXPECT_EQ(on("publickey,password", "", ""), v1::VERDICT_PASS);
  EXPECT_EQ(on("publickey", key, hard + "}"), v1::VERDICT_PASS);
  EXPECT_EQ(on("publickey", key, hard + "}" + soft + "ignored: true }"),
            v1::VERDICT_PASS);
  for (const char* method :
       {"password", "password,keyboard-interactive", "gssapi-with-mic"})
    EXPECT_EQ(on(method, "", hard + "}"), v1::VERDICT_FAIL) << method;
  EXPECT_EQ(on("publickey", key, hard + "}" + soft + "}"), v1::VERDICT_FAIL);
  EXPECT_EQ(on("publickey", key, hard + "options: 'no-touch-required' }"),
            v1::VERDICT_FAIL);
  EXPECT_EQ(on("publickey", key, hard + "options: 'cert-authority' }"),
            v1::VERDICT_FAIL);
  EXPECT_EQ(on("publickey", key, ""), v1::VERDICT_FAIL);
  // Keys that a command tells are not in the file.
  EXPECT_EQ(on("publickey", "x", hard + "}"), v1::VERDICT_FAIL);
}

TEST(Baseline, AllTheWorldComesThroughPublicAddressesAlone) {
  const auto on = [](const std::string& address, const std::string& listener,
                     const std::string& source) {
    const bool ipv6 = address.find(':') != address.npos;
    return On("ssh-source-limited",
              Sshd("same", "interfaces { name: 'e' scope: 'global' family: '" +
                               std::string(ipv6 ? "ipv6" : "ipv4") +
                               "' address: '" + address +
                               "' } ssh_access { account: 'alice' usable: true "
                               "method: 'publickey' listener: '" +
                               listener + "' source: '" + source + "' }"));
  };
  const std::string v4 = "203.0.113.7/24", v6 = "2a00::7/64";
  for (const char* listener : {"*:22", "0.0.0.0:22", "203.0.113.7:2222"})
    EXPECT_EQ(on(v4, listener, "any"), v1::VERDICT_FAIL) << listener;
  for (const char* listener : {"*:22", "[::]:22", "[2a00::7]:22"})
    EXPECT_EQ(on(v6, listener, "any"), v1::VERDICT_FAIL) << listener;
  EXPECT_EQ(on(v4, "[::]:22", "any"), v1::VERDICT_PASS);
  EXPECT_EQ(on(v6, "0.0.0.0:22", "any"), v1::VERDICT_PASS);
  EXPECT_EQ(on(v4, "203.0.113.77:22", "any"), v1::VERDICT_PASS);
  EXPECT_EQ(on(v4, "*:22", "128.0.0.0/1"), v1::VERDICT_FAIL);
  EXPECT_EQ(on(v6, "*:22", "2000::/3"), v1::VERDICT_FAIL);
  EXPECT_EQ(on(v4, "*:22", "8.0.0.0/8"), v1::VERDICT_PASS);
  EXPECT_EQ(on(v4, "*:22", "198.51.100.1"), v1::VERDICT_PASS);
  for (const char* inner : {"10.1.1.1/8", "172.31.0.1/16", "192.168.0.1/24",
                            "100.64.0.1/10", "fd00::1/64", "fe80::1/64"})
    EXPECT_EQ(on(inner, "*:22", "any"), v1::VERDICT_PASS) << inner;
}

TEST(Baseline, StrictKeyExchangeIsAskedOfEachServer) {
  const auto offers = [](const std::string& kind, const std::string& name) {
    return "ssh_algorithms { listener: '*:22' kind: '" + kind + "' name: '" +
           name + "' } ";
  };
  const std::string strict =
      offers("extension", "kex-strict-s-v00@openssh.com");
  const auto on = [&](const std::string& cipher, const std::string& mac,
                      const std::string& more) {
    return On("ssh-strict-key-exchange",
              offers("cipher", cipher) + offers("mac", mac) + more);
  };
  const std::string etm = "hmac-sha2-256-etm@openssh.com";
  EXPECT_EQ(on("chacha20-poly1305@openssh.com", "hmac-sha2-256", ""),
            v1::VERDICT_FAIL);
  EXPECT_EQ(on("chacha20-poly1305@openssh.com", "hmac-sha2-256", strict),
            v1::VERDICT_PASS);
  EXPECT_EQ(on("aes256-cbc", etm, ""), v1::VERDICT_FAIL);
  EXPECT_EQ(on("aes256-cbc", etm, strict), v1::VERDICT_PASS);
  EXPECT_EQ(on("aes256-cbc", "hmac-sha2-256", ""), v1::VERDICT_PASS);
  EXPECT_EQ(on("aes256-ctr", etm, ""), v1::VERDICT_PASS);
  EXPECT_EQ(On("ssh-strict-key-exchange", ""), v1::VERDICT_NOT_APPLICABLE);
}

TEST(Baseline, WhatALiveServerOffersBesideItsConfigurationIsFound) {
  const auto on = [](const std::string& kind, const std::string& name,
                     const std::string& daemon) {
    return On("ssh-live-algorithms",
              Sshd(daemon, "ssh_algorithms { listener: '*:22' kind: '" + kind +
                               "' name: '" + name + "' }"));
  };
  // The sshd of these examples has arcfour in its configuration.
  EXPECT_EQ(on("cipher", "arcfour", "same"), v1::VERDICT_PASS);
  EXPECT_EQ(on("cipher", "arcfour", "not_running"), v1::VERDICT_FAIL);
  EXPECT_EQ(on("cipher", "arcfour128", "same"), v1::VERDICT_FAIL);
  EXPECT_EQ(on("kex", "diffie-hellman-group14-sha1", "same"), v1::VERDICT_FAIL);
  EXPECT_EQ(on("mac", "hmac-md5", "same"), v1::VERDICT_FAIL);
  EXPECT_EQ(on("mac", "hmac-sha1", "same"), v1::VERDICT_PASS);
  for (const char* kind : {"compression", "extension", "cipher"})
    EXPECT_EQ(on(kind, "", "same"), v1::VERDICT_PASS) << kind;
}

// As many as a host can have: 500 accounts, 100 networks.
TEST(Baseline, FiftyThousandWaysAreJudgedWithinTheLimits) {
  std::string rows = Sshd("same") +
                     "sudo_rules { subject: '%all' run_as: 'ALL' "
                     "command: 'ALL' } groups { name: 'all' ";
  for (int i = 0; i < 500; ++i) {
    const std::string name = "user" + std::to_string(i);
    rows += "members: '" + name + "' ";
  }
  rows +=
      "} interfaces { name: 'e' address: '203.0.113.7/24' family: 'ipv4' "
      "scope: 'global' } ";
  for (int i = 0; i < 500; ++i) {
    const std::string name = "'user" + std::to_string(i) + "' ";
    rows += "accounts { name: " + name +
            "system: true } authorized_keys { "
            "fingerprint: 'f' type: 'ssh-ed25519' account: " +
            name + "} ";
    for (int n = 0; n < 100; ++n)
      rows +=
          "ssh_access { usable: true method: 'publickey' listener: '*:22' "
          "why: 'x; key in /k' source: '10.0." +
          std::to_string(n) + ".0/24' account: " + name + "} ";
  }
  for (const char* id :
       {"ssh-few-reach-root", "ssh-no-service-account", "ssh-second-factor",
        "ssh-second-factor-administrators"})
    EXPECT_EQ(On(id, rows), v1::VERDICT_FAIL) << id;
  for (const char* id :
       {"ssh-no-password", "ssh-nobody-with-password", "ssh-no-root-login",
        "ssh-named-accounts-only", "ssh-source-limited"})
    EXPECT_EQ(On(id, rows), v1::VERDICT_PASS) << id;
}

TEST(Baseline, EachAlgorithmIsFoundWithItsReason) {
  const auto offers = [](const std::string& keyword, const std::string& value) {
    return "sshd_options { keyword: '" + keyword + "' value: '" + value +
           "' daemon: 'same' } ";
  };
  const std::string gss = offers("gssapikexalgorithms", "gss-gex-sha1-");
  EXPECT_EQ(On("ssh-strong-key-exchange", gss), v1::VERDICT_PASS);
  EXPECT_EQ(
      On("ssh-strong-key-exchange", gss + offers("gssapikeyexchange", "yes")),
      v1::VERDICT_FAIL);
  EXPECT_EQ(On("ssh-strong-ciphers", offers("ciphers", "aes128-ctr,none")),
            v1::VERDICT_FAIL);
  // Each control has findings of its own.
  for (const auto& [mac, strong, current, known] :
       {std::tuple("hmac-md5", v1::VERDICT_FAIL, v1::VERDICT_PASS,
                   v1::VERDICT_PASS),
        {"hmac-sha1", v1::VERDICT_PASS, v1::VERDICT_FAIL, v1::VERDICT_PASS},
        {"hmac-new", v1::VERDICT_PASS, v1::VERDICT_PASS, v1::VERDICT_FAIL},
        {"a\"b\\\\", v1::VERDICT_PASS, v1::VERDICT_PASS, v1::VERDICT_FAIL}}) {
    const std::string rows =
        offers("macs", "hmac-sha2-256," + std::string(mac));
    EXPECT_EQ(On("ssh-strong-macs", rows), strong) << mac;
    EXPECT_EQ(On("ssh-no-outdated-macs", rows), current) << mac;
    EXPECT_EQ(On("ssh-algorithms-known", rows), known) << mac;
  }
}

// Instants are told from 2026-01-01, the day of the examples.
TEST(Baseline, AJournalAloneIsJudgedByItsRetentionAndItsRecords) {
  const auto journal = [](int days, int64_t retention) {
    return "log_files { source: 'journal' path: '/var/log/journal/1' newest: 1 "
           "oldest: " +
           std::to_string(kExampleNow - days * 86400) +
           " } "
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
  EXPECT_EQ(
      On("log-system-kept",
         journal(10, 7 * 86400) + "log_files { source: 'syslog' newest: 1 }"),
      v1::VERDICT_PASS);
  EXPECT_EQ(On("log-system-kept",
               journal(10, 7 * 86400) +
                   "log_files { source: 'syslog' newest: 1 }"
                   "logrotate_rules { path: '/var/log/syslog' keep_days: 28 }"),
            v1::VERDICT_FAIL);
}

}  // namespace
}  // namespace metsuke
