#include "controller/judge/ssh_algorithms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "controller/judge/tables.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using testing::HasSubstr;

std::string Strength(const std::string& kind, const std::string& name) {
  return std::string(Word(JudgeSsh(*ParseSshKind(kind), name).strength));
}

// Those of the names, parted by blanks, that are not of the strength.
std::string NotOf(const std::string& strength, const std::string& kind,
                  const std::string& names) {
  std::istringstream words(names);
  std::string others;
  for (std::string name; words >> name;)
    if (Strength(kind, name) != strength) others += name + " ";
  return others;
}

// `sshd -T` of OpenSSH 9.2 and 10.0 as Debian installs them.
TEST(SshAlgorithms, NothingADebianOffersIsWorseThanAWeakMac) {
  EXPECT_EQ(NotOf("good", "kex",
                  "sntrup761x25519-sha512@openssh.com sntrup761x25519-sha512 "
                  "mlkem768x25519-sha256 curve25519-sha256 "
                  "curve25519-sha256@libssh.org ecdh-sha2-nistp256 "
                  "ecdh-sha2-nistp384 ecdh-sha2-nistp521 "
                  "diffie-hellman-group-exchange-sha256 "
                  "diffie-hellman-group16-sha512 diffie-hellman-group18-sha512 "
                  "diffie-hellman-group14-sha256 kex-strict-s-v00@openssh.com"),
            "");
  EXPECT_EQ(NotOf("good", "cipher",
                  "chacha20-poly1305@openssh.com aes128-ctr aes192-ctr "
                  "aes256-ctr aes128-gcm@openssh.com aes256-gcm@openssh.com"),
            "");
  EXPECT_EQ(NotOf("good", "mac",
                  "umac-128-etm@openssh.com hmac-sha2-256-etm@openssh.com "
                  "hmac-sha2-512-etm@openssh.com umac-128@openssh.com "
                  "hmac-sha2-256 hmac-sha2-512"),
            "");
  EXPECT_EQ(NotOf("weak", "mac",
                  "umac-64-etm@openssh.com hmac-sha1-etm@openssh.com "
                  "umac-64@openssh.com hmac-sha1"),
            "");
  EXPECT_EQ(
      NotOf("good", "host_key",
            "ssh-ed25519-cert-v01@openssh.com "
            "ecdsa-sha2-nistp256-cert-v01@openssh.com "
            "sk-ssh-ed25519-cert-v01@openssh.com "
            "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com "
            "webauthn-sk-ecdsa-sha2-nistp256@openssh.com "
            "rsa-sha2-512-cert-v01@openssh.com ssh-ed25519 ecdsa-sha2-nistp521 "
            "sk-ssh-ed25519@openssh.com sk-ecdsa-sha2-nistp256@openssh.com "
            "rsa-sha2-512 rsa-sha2-256"),
      "");
}

// What `ssh -Q` of these lists beyond that, and what others can offer.
TEST(SshAlgorithms, WhatIsOffByDefaultIsNotGood) {
  EXPECT_EQ(NotOf("weak", "kex",
                  "diffie-hellman-group14-sha1 gss-gex-sha1-x== "
                  "diffie-hellman-group-exchange-sha1"),
            "");
  EXPECT_EQ(NotOf("broken", "kex",
                  "diffie-hellman-group1-sha1 rsa1024-sha1 "
                  "gss-group1-sha1-toWM5Slw5Ew8Mqkay+al2g=="),
            "");
  EXPECT_EQ(NotOf("weak", "cipher", "aes128-cbc aes192-cbc aes256-cbc"), "");
  EXPECT_EQ(NotOf("broken", "cipher",
                  "3des-cbc 3des-ctr arcfour arcfour128 arcfour256 "
                  "blowfish-cbc cast128-cbc des-cbc none"),
            "");
  EXPECT_EQ(NotOf("weak", "mac",
                  "hmac-sha1-96 hmac-sha1-96-etm@openssh.com "
                  "hmac-ripemd160@openssh.com"),
            "");
  EXPECT_EQ(NotOf("broken", "mac",
                  "hmac-md5 hmac-md5-96 hmac-md5-etm@openssh.com "
                  "hmac-md5-96-etm@openssh.com none"),
            "");
  EXPECT_EQ(NotOf("broken", "host_key",
                  "ssh-rsa ssh-dss ssh-rsa-cert-v01@openssh.com "
                  "ssh-dss-cert-v01@openssh.com ssh-dss-cert-v00@openssh.com"),
            "");
}

TEST(SshAlgorithms, ANameThatIsAlmostOneIsUnknown) {
  for (const char* name :
       {"curve25519-sha25", "curve25519-sha2566", "CURVE25519-SHA256",
        "curve25519-sha256 ", "gss-group14-sha256", "curve25519-sha256 4096",
        "aes256-ctr", "ssh-ed25519"})
    EXPECT_EQ(Strength("kex", name), "unknown") << name;
  for (const char* name :
       {"-cert-v01@openssh.com", "ssh-ed25519-cert-v01@openssh.com2",
        "sk-ssh-ed25519", "ssh-ed25519-cert-v02@openssh.com"})
    EXPECT_EQ(Strength("host_key", name), "unknown") << name;
  EXPECT_THAT(std::string(JudgeSsh(SshKind::kMac, "hmac-new").weakness),
              HasSubstr("not known"));
}

TEST(SshAlgorithms, APatternIsAsWeakAsTheWeakestItMatches) {
  EXPECT_EQ(Strength("host_key", "ssh-rs*"), "broken");
  EXPECT_EQ(Strength("host_key", "ssh-??a"), "broken");
  EXPECT_EQ(Strength("host_key", "ssh-rsa-cert*"), "broken");
  EXPECT_EQ(Strength("host_key", "rsa-sha2-*"), "good");
  EXPECT_EQ(Strength("host_key", "*ed25519*"), "good");
  EXPECT_EQ(Strength("host_key", "sk-ssh-ed25519-cert*"), "good");
  EXPECT_EQ(Strength("host_key", "*"), "broken");
  EXPECT_EQ(Strength("host_key", "nobody*"), "unknown");
  EXPECT_EQ(Strength("cipher", "*@openssh.com"), "unknown");  // sshd refuses it
  EXPECT_THAT(std::string(JudgeSsh(SshKind::kHostKey, "ssh-rs*").weakness),
              HasSubstr("SHA-1"));
}

TEST(SshAlgorithms, OfRsaAndOfGroupsTheSizeDecides) {
  EXPECT_EQ(Strength("user_key", "ssh-rsa 1024"), "broken");
  EXPECT_EQ(Strength("user_key", "ssh-rsa 2047"), "broken");
  EXPECT_EQ(Strength("user_key", "ssh-rsa 2048"), "weak");
  EXPECT_EQ(Strength("user_key", "ssh-rsa 3071"), "weak");
  EXPECT_EQ(Strength("user_key", "ssh-rsa 3072"), "good");
  EXPECT_EQ(Strength("user_key", "ssh-rsa-cert-v01@openssh.com 1024"),
            "broken");
  for (const char* odd : {"ssh-rsa", "ssh-rsa 0", "ssh-rsa x", "ssh-rsa -1",
                          "ssh-rsa 4096 ", "ssh-rsa 99999999999999"})
    EXPECT_EQ(Strength("user_key", odd), "unknown") << odd;
  EXPECT_EQ(NotOf("good", "user_key",
                  "ssh-ed25519 sk-ssh-ed25519@openssh.com ecdsa-sha2-nistp256 "
                  "sk-ecdsa-sha2-nistp256@openssh.com"),
            "");
  EXPECT_EQ(Strength("user_key", "ssh-ed25519 256"), "good");
  EXPECT_EQ(Strength("user_key", "ssh-dss 1024"), "broken");
  const std::string group = "diffie-hellman-group-exchange-sha256";
  EXPECT_EQ(Strength("kex", group + " 1024"), "broken");
  EXPECT_EQ(Strength("kex", group + " 1536"), "weak");
  EXPECT_EQ(Strength("kex", group + " 2048"), "good");
  EXPECT_EQ(Strength("kex", group + " many"), "unknown");
  EXPECT_EQ(Strength("kex", "diffie-hellman-group-exchange-sha1 4096"), "weak");
}

TEST(SshAlgorithms, TerrapinTakesCertainPairs) {
  EXPECT_TRUE(OpenToTerrapin("chacha20-poly1305@openssh.com", "hmac-sha1"));
  EXPECT_TRUE(OpenToTerrapin("aes256-cbc", "hmac-sha2-256-etm@openssh.com"));
  EXPECT_TRUE(OpenToTerrapin("rijndael-cbc@lysator.liu.se",
                             "hmac-sha2-256-etm@openssh.com"));
  EXPECT_FALSE(OpenToTerrapin("aes256-cbc", "hmac-sha2-256"));
  EXPECT_FALSE(OpenToTerrapin("aes256-ctr", "hmac-sha2-256-etm@openssh.com"));
  EXPECT_FALSE(
      OpenToTerrapin("aes256-gcm@openssh.com", "umac-128-etm@openssh.com"));
}

std::string One(const std::string& expression) {
  auto tables = Tables::Open();
  EXPECT_TRUE(tables.ok());
  const auto rows = tables->Query("SELECT " + expression + " AS x", 0, {});
  if (!rows.ok()) return Message(rows.status());
  const Cell& cell = rows->rows.at(0).at(0);
  if (const auto* number = std::get_if<int64_t>(&cell))
    return std::to_string(*number);
  return std::get<HostText>(cell).raw();
}

TEST(SshAlgorithms, QueriesAskForStrengthAndReason) {
  EXPECT_EQ(One("ssh_strength('cipher', 'aes128-ctr')"), "good");
  EXPECT_EQ(One("ssh_weakness('cipher', 'aes128-ctr')"), "");
  EXPECT_EQ(One("ssh_strength('host_key', 'ssh-rsa')"), "broken");
  EXPECT_EQ(One("ssh_weakness('host_key', 'ssh-rsa')"),
            "SHA-1: chosen-prefix collisions since 2020; off in OpenSSH since "
            "2021");
  EXPECT_EQ(One("ssh_strength('mac', 'hmac-new')"), "unknown");
  EXPECT_EQ(One("ssh_terrapin('aes128-cbc', 'hmac-sha1-etm@openssh.com')"),
            "1");
  EXPECT_EQ(One("ssh_terrapin('aes128-cbc', 'hmac-sha1')"), "0");
  // As behind the last comma of a list.
  EXPECT_EQ(One("ssh_strength('host_key', '')"), "unknown");
  EXPECT_EQ(One("ssh_terrapin('', '')"), "0");
}

TEST(SshAlgorithms, WhatMakesNoSenseEndsTheQuery) {
  for (const std::string function : {"ssh_strength", "ssh_weakness"}) {
    for (const char* odd : {"'ciphers', 'x'", "'', 'x'", "NULL, 'x'", "1, 'x'"})
      EXPECT_THAT(One(function + "(" + odd + ")"), HasSubstr("the kind is"))
          << odd;
    for (const char* odd : {"'mac', NULL", "'mac', 1"})
      EXPECT_THAT(One(function + "(" + odd + ")"), HasSubstr("is not text"))
          << odd;
  }
  EXPECT_THAT(One("ssh_terrapin('aes128-cbc', NULL)"),
              HasSubstr("is not text"));
}

}  // namespace
}  // namespace metsuke
