#include "controller/judge/ssh_algorithms.h"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace metsuke {
namespace {

using enum SshStrength;

// Reasons that several lines share.
constexpr std::string_view kNone = "nothing is protected";
// Logjam: Adrian et al., "Imperfect Forward Secrecy", 2015; RFC 9142 3.4.
constexpr std::string_view kGroup1024 =
    "1024-bit group: within reach of states since 2015 (Logjam); RFC 9142";
constexpr std::string_view kGroupBelow2048 =
    "group below 2048 bits: against RFC 8270 since 2017";
// Leurent and Peyrin, "SHA-1 is a Shambles", 2020; OpenSSH 8.8; RFC 8332.
constexpr std::string_view kSha1Signature =
    "SHA-1: chosen-prefix collisions since 2020; off in OpenSSH since 2021";
constexpr std::string_view kSha1Exchange =
    "SHA-1: chosen-prefix collisions since 2020; being phased out (RFC 9142)";
// HMAC does not rest on collisions. NIST's announcement of 2022-12-15.
constexpr std::string_view kSha1Mac =
    "SHA-1: to be gone by 2030, as NIST has asked since 2022";
// RFC 6151; OpenSSH 6.7.
constexpr std::string_view kMd5 =
    "MD5: collisions since 2004; off in OpenSSH since 2014";
constexpr std::string_view kTag96 =
    "tag cut to 96 bits; off in OpenSSH since 2014";
// RFC 4418 section 6; draft-miller-secsh-umac-01.
constexpr std::string_view kTag64 =
    "64-bit tag: one forgery in 2^60 succeeds (RFC 4418, 2006)";
// OpenSSH 7.6.
constexpr std::string_view kRipemd =
    "RIPEMD-160: a hash of 1996; out of OpenSSH since 2017";
// FIPS 186-5; OpenSSH 7.0 and 10.0.
constexpr std::string_view kDsa =
    "DSA: 1024 bits and SHA-1; off in OpenSSH since 2015, gone from FIPS 186-5";
// Bhargavan and Leurent, "On the Practical (In-)Security of 64-bit Block
// Ciphers", 2016.
constexpr std::string_view kBlock64 =
    "64-bit blocks: long sessions leak text since 2016 (Sweet32)";
constexpr std::string_view kDes = "56-bit key: found by search since 1998";
constexpr std::string_view kRc4 =
    "RC4: its key stream is biased; forbidden since 2020 (RFC 8758)";
constexpr std::string_view kCbc =
    "CBC: text leaks through the packet length since 2008 (CVE-2008-5161); off "
    "in OpenSSH since 2014";
// SP 800-131A; SP 800-57 part 1, table 4.
constexpr std::string_view kRsa1024 =
    "RSA below 2048 bits: disallowed by NIST since 2014";
constexpr std::string_view kRsa2048 =
    "RSA below 3072 bits: 112 bits of strength, enough until 2030 by NIST's "
    "count of 2020";
constexpr std::string_view kNotKnown = "not known to this version of Metsuke";
constexpr std::string_view kSizeNotKnown = "the size is not known";

struct Fact {
  SshKind kind;
  // With "*" at the end: every name that begins so.
  std::string_view name;
  SshStrength strength;
  std::string_view weakness = {};
};

constexpr SshKind kKex = SshKind::kKex, kHostKey = SshKind::kHostKey,
                  kCipher = SshKind::kCipher, kMac = SshKind::kMac,
                  kUserKey = SshKind::kUserKey;

constexpr Fact kFacts[] = {
    // Hybrids with X25519 or a curve of NIST are no weaker than that:
    // draft-ietf-sshm-ntruprime-ssh, draft-ietf-sshm-mlkem-hybrid-kex; OpenSSH
    // 8.0 to 8.4 had the first.
    {kKex, "sntrup4591761x25519-sha512@tinyssh.org", kGood},
    {kKex, "sntrup761x25519-sha512@openssh.com", kGood},
    {kKex, "sntrup761x25519-sha512", kGood},
    {kKex, "mlkem768x25519-sha256", kGood},
    {kKex, "mlkem768nistp256-sha256", kGood},
    {kKex, "mlkem1024nistp384-sha384", kGood},
    // RFC 8731; RFC 9142 table 12 for the rest of the key exchanges.
    {kKex, "curve25519-sha256", kGood},
    {kKex, "curve25519-sha256@libssh.org", kGood},
    {kKex, "curve448-sha512", kGood},
    {kKex, "ecdh-sha2-nistp256", kGood},
    {kKex, "ecdh-sha2-nistp384", kGood},
    {kKex, "ecdh-sha2-nistp521", kGood},
    {kKex, "diffie-hellman-group1-sha1", kBroken, kGroup1024},
    {kKex, "diffie-hellman-group14-sha1", kWeak, kSha1Exchange},
    {kKex, "diffie-hellman-group14-sha256", kGood},
    {kKex, "diffie-hellman-group15-sha512", kGood},
    {kKex, "diffie-hellman-group16-sha512", kGood},
    {kKex, "diffie-hellman-group17-sha512", kGood},
    {kKex, "diffie-hellman-group18-sha512", kGood},
    {kKex, "diffie-hellman-group-exchange-sha1", kWeak, kSha1Exchange},
    {kKex, "diffie-hellman-group-exchange-sha256", kGood},
    {kKex, "rsa1024-sha1", kBroken, kRsa1024},
    {kKex, "rsa2048-sha256", kGood},
    // RFC 4462, RFC 8732: behind the dash stands the mechanism.
    {kKex, "gss-group1-sha1-*", kBroken, kGroup1024},
    {kKex, "gss-group14-sha1-*", kWeak, kSha1Exchange},
    {kKex, "gss-gex-sha1-*", kWeak, kSha1Exchange},
    {kKex, "gss-group14-sha256-*", kGood},
    {kKex, "gss-group15-sha512-*", kGood},
    {kKex, "gss-group16-sha512-*", kGood},
    {kKex, "gss-group17-sha512-*", kGood},
    {kKex, "gss-group18-sha512-*", kGood},
    {kKex, "gss-nistp256-sha256-*", kGood},
    {kKex, "gss-nistp384-sha384-*", kGood},
    {kKex, "gss-nistp521-sha512-*", kGood},
    {kKex, "gss-curve25519-sha256-*", kGood},
    {kKex, "gss-curve448-sha512-*", kGood},
    // No algorithms, but words to the other end: RFC 8308, OpenSSH's PROTOCOL
    // 1.10, dropbear's common-algo.c.
    {kKex, "ext-info-c", kGood},
    {kKex, "ext-info-s", kGood},
    {kKex, "kex-strict-c-v00@openssh.com", kGood},
    {kKex, "kex-strict-s-v00@openssh.com", kGood},
    {kKex, "kexguess2@matt.ucc.asn.au", kGood},

    // RFC 8709, RFC 5656, RFC 8332; OpenSSH's PROTOCOL.u2f.
    {kHostKey, "ssh-ed25519", kGood},
    {kHostKey, "ssh-ed448", kGood},
    {kHostKey, "sk-ssh-ed25519@openssh.com", kGood},
    {kHostKey, "ecdsa-sha2-nistp256", kGood},
    {kHostKey, "ecdsa-sha2-nistp384", kGood},
    {kHostKey, "ecdsa-sha2-nistp521", kGood},
    {kHostKey, "sk-ecdsa-sha2-nistp256@openssh.com", kGood},
    {kHostKey, "webauthn-sk-ecdsa-sha2-nistp256@openssh.com", kGood},
    {kHostKey, "rsa-sha2-256", kGood},
    {kHostKey, "rsa-sha2-512", kGood},
    {kHostKey, "ssh-rsa", kBroken, kSha1Signature},
    {kHostKey, "ssh-dss", kBroken, kDsa},

    // RFC 4344, RFC 5647; OpenSSH's PROTOCOL.chacha20poly1305.
    {kCipher, "chacha20-poly1305@openssh.com", kGood},
    {kCipher, "chacha20-poly1305", kGood},
    {kCipher, "aes128-gcm@openssh.com", kGood},
    {kCipher, "aes256-gcm@openssh.com", kGood},
    {kCipher, "aes128-gcm", kGood},
    {kCipher, "aes256-gcm", kGood},
    {kCipher, "AEAD_AES_128_GCM", kGood},
    {kCipher, "AEAD_AES_256_GCM", kGood},
    {kCipher, "aes128-ctr", kGood},
    {kCipher, "aes192-ctr", kGood},
    {kCipher, "aes256-ctr", kGood},
    {kCipher, "twofish128-ctr", kGood},
    {kCipher, "twofish192-ctr", kGood},
    {kCipher, "twofish256-ctr", kGood},
    {kCipher, "serpent128-ctr", kGood},
    {kCipher, "serpent192-ctr", kGood},
    {kCipher, "serpent256-ctr", kGood},
    {kCipher, "aes128-cbc", kWeak, kCbc},
    {kCipher, "aes192-cbc", kWeak, kCbc},
    {kCipher, "aes256-cbc", kWeak, kCbc},
    {kCipher, "rijndael-cbc@lysator.liu.se", kWeak, kCbc},
    {kCipher, "twofish-cbc", kWeak, kCbc},
    {kCipher, "twofish128-cbc", kWeak, kCbc},
    {kCipher, "twofish192-cbc", kWeak, kCbc},
    {kCipher, "twofish256-cbc", kWeak, kCbc},
    {kCipher, "serpent128-cbc", kWeak, kCbc},
    {kCipher, "serpent192-cbc", kWeak, kCbc},
    {kCipher, "serpent256-cbc", kWeak, kCbc},
    {kCipher, "3des-cbc", kBroken, kBlock64},
    {kCipher, "3des-ctr", kBroken, kBlock64},
    {kCipher, "blowfish-cbc", kBroken, kBlock64},
    {kCipher, "blowfish-ctr", kBroken, kBlock64},
    {kCipher, "cast128-cbc", kBroken, kBlock64},
    {kCipher, "cast128-ctr", kBroken, kBlock64},
    {kCipher, "idea-cbc", kBroken, kBlock64},
    {kCipher, "idea-ctr", kBroken, kBlock64},
    {kCipher, "des-cbc", kBroken, kDes},
    {kCipher, "des-cbc@ssh.com", kBroken, kDes},
    {kCipher, "des-cbc-ssh1", kBroken, kDes},
    {kCipher, "arcfour", kBroken, kRc4},
    {kCipher, "arcfour128", kBroken, kRc4},
    {kCipher, "arcfour256", kBroken, kRc4},
    {kCipher, "none", kBroken, kNone},

    // RFC 6668; OpenSSH's PROTOCOL 1.6 for -etm.
    {kMac, "hmac-sha2-256", kGood},
    {kMac, "hmac-sha2-512", kGood},
    {kMac, "hmac-sha2-256-etm@openssh.com", kGood},
    {kMac, "hmac-sha2-512-etm@openssh.com", kGood},
    {kMac, "umac-128@openssh.com", kGood},
    {kMac, "umac-128-etm@openssh.com", kGood},
    {kMac, "AEAD_AES_128_GCM", kGood},
    {kMac, "AEAD_AES_256_GCM", kGood},
    {kMac, "umac-64@openssh.com", kWeak, kTag64},
    {kMac, "umac-64-etm@openssh.com", kWeak, kTag64},
    {kMac, "hmac-sha1", kWeak, kSha1Mac},
    {kMac, "hmac-sha1-etm@openssh.com", kWeak, kSha1Mac},
    {kMac, "hmac-sha1-96", kWeak, kTag96},
    {kMac, "hmac-sha1-96-etm@openssh.com", kWeak, kTag96},
    {kMac, "hmac-sha2-256-96", kWeak, kTag96},
    {kMac, "hmac-sha2-512-96", kWeak, kTag96},
    {kMac, "hmac-md5", kBroken, kMd5},
    {kMac, "hmac-md5-96", kBroken, kMd5},
    {kMac, "hmac-md5-etm@openssh.com", kBroken, kMd5},
    {kMac, "hmac-md5-96-etm@openssh.com", kBroken, kMd5},
    {kMac, "hmac-ripemd160", kWeak, kRipemd},
    {kMac, "hmac-ripemd160@openssh.com", kWeak, kRipemd},
    {kMac, "hmac-ripemd160-etm@openssh.com", kWeak, kRipemd},
    {kMac, "none", kBroken, kNone},

    // The same sources as for host keys; of RSA the size decides.
    {kUserKey, "ssh-ed25519", kGood},
    {kUserKey, "ssh-ed448", kGood},
    {kUserKey, "sk-ssh-ed25519@openssh.com", kGood},
    {kUserKey, "ecdsa-sha2-nistp256", kGood},
    {kUserKey, "ecdsa-sha2-nistp384", kGood},
    {kUserKey, "ecdsa-sha2-nistp521", kGood},
    {kUserKey, "sk-ecdsa-sha2-nistp256@openssh.com", kGood},
    {kUserKey, "ssh-rsa", kGood},
    {kUserKey, "ssh-dss", kBroken, kDsa},
};

const Fact* Find(SshKind kind, std::string_view name) {
  for (const Fact& fact : kFacts) {
    const bool family = fact.name.ends_with('*');
    const auto stem = fact.name.substr(0, fact.name.size() - family);
    if (fact.kind == kind && (family ? name.starts_with(stem) : name == stem))
      return &fact;
  }
  return nullptr;
}

constexpr char kCertificate[] = "-cert-v01@openssh.com";

// A certificate is as strong as the key in it: OpenSSH's PROTOCOL.certkeys.
std::string KeyOfCertificate(std::string_view name) {
  const size_t end = std::min(name.find(kCertificate),
                              name.find("-cert-v00@openssh.com"));
  if (end == name.npos || name.size() - end != 21) return std::string(name);
  std::string key(name.substr(0, end));
  if (key.starts_with("sk-")) key += "@openssh.com";
  return key;
}

// The number behind the blank; nothing when there is none or it is 0.
std::optional<int> Bits(std::string_view text) {
  int bits = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size() || bits <= 0)
    return {};
  return bits;
}

SshVerdict JudgeRsa(std::optional<int> bits) {
  if (!bits) return {kUnknown, kSizeNotKnown};
  if (*bits < 2048) return {kBroken, kRsa1024};
  if (*bits < 3072) return {kWeak, kRsa2048};
  return {kGood, {}};
}

// RFC 8270 section 3.
SshVerdict JudgeGroup(const Fact& fact, std::optional<int> bits) {
  if (!bits) return {kUnknown, kSizeNotKnown};
  if (*bits <= 1024) return {kBroken, kGroup1024};
  if (*bits < 2048) return {kWeak, kGroupBelow2048};
  return {fact.strength, fact.weakness};
}

}  // namespace

std::optional<SshKind> ParseSshKind(std::string_view word) {
  if (word == "kex") return SshKind::kKex;
  if (word == "host_key") return SshKind::kHostKey;
  if (word == "cipher") return SshKind::kCipher;
  if (word == "mac") return SshKind::kMac;
  if (word == "user_key") return SshKind::kUserKey;
  return {};
}

std::string_view Word(SshStrength strength) {
  switch (strength) {
    case kBroken:
      return "broken";
    case kWeak:
      return "weak";
    case kGood:
      return "good";
    case kUnknown:
      break;
  }
  return "unknown";
}

namespace {

// The name of a certificate for keys of this type: OpenSSH's PROTOCOL.certkeys.
std::string CertificateOf(std::string_view key) {
  constexpr std::string_view kVendor = "@openssh.com";
  if (key.ends_with(kVendor)) key.remove_suffix(kVendor.size());
  return std::string(key) + kCertificate;
}

// The worst of what sshd may take the pattern for: kex_assemble_names of
// OpenSSH's kex.c puts every name it knows and that "*" and "?" match in its
// place, where the keyword is about keys.
SshVerdict JudgePattern(SshKind kind, const std::string& pattern) {
  SshVerdict worst{kUnknown, kNotKnown};
  for (const Fact& fact : kFacts) {
    const std::string name(fact.name);
    const bool matches =
        fact.kind == kind &&
        (fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0 ||
         fnmatch(pattern.c_str(), CertificateOf(name).c_str(),
                 FNM_NOESCAPE) == 0);
    if (matches &&
        (worst.strength == kUnknown || fact.strength < worst.strength))
      worst = {fact.strength, fact.weakness};
  }
  return worst;
}

}  // namespace

SshVerdict JudgeSsh(SshKind kind, std::string_view name) {
  const bool key = kind == SshKind::kHostKey || kind == SshKind::kUserKey;
  if (key && name.find_first_of("*?") != name.npos)
    return JudgePattern(kind, std::string(name));
  const size_t blank = name.find(' ');
  const std::string_view word = name.substr(0, blank);
  const std::string bare = key ? KeyOfCertificate(word) : std::string(word);
  const Fact* fact = Find(kind, bare);
  if (fact == nullptr) return {kUnknown, kNotKnown};
  const bool sized = blank != name.npos;
  const auto bits = sized ? Bits(name.substr(blank + 1)) : std::nullopt;
  if (kind == SshKind::kUserKey && bare == "ssh-rsa") return JudgeRsa(bits);
  if (!sized || kind == SshKind::kUserKey)
    return {fact->strength, fact->weakness};
  if (bare.starts_with("diffie-hellman-group-exchange-"))
    return JudgeGroup(*fact, bits);
  return {kUnknown, kNotKnown};
}

bool OpenToTerrapin(std::string_view cipher, std::string_view mac) {
  if (cipher.starts_with("chacha20-poly1305")) return true;
  return cipher.find("-cbc") != cipher.npos &&
         mac.ends_with("-etm@openssh.com");
}

}  // namespace metsuke
