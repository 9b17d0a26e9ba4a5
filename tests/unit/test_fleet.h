// A fleet for tests: an authority in a temporary folder, with what it issues.

#ifndef METSUKE_TESTS_UNIT_TEST_FLEET_H_
#define METSUKE_TESTS_UNIT_TEST_FLEET_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/filesystem/operations.hpp>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/ca/authority.h"
#include "controller/ca/issuer.h"
#include "controller/ca/local.h"
#include "proto/openssl.h"
#include "proto/status.h"
#include "proto/tls.h"

namespace metsuke {

// A folder of its own, 0700, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    char name[] = "/tmp/metsuke-test.XXXXXX";
    path_ = mkdtemp(name);
  }
  ~TemporaryFolder() {
    boost::system::error_code ignored;
    boost::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const {
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class TestFleet {
 public:
  TestFleet() {
    const absl::Status made = InitAuthority(state());
    EXPECT_TRUE(made.ok()) << made;
  }

  std::string state() const { return folder_ / "ca"; }
  std::string operator/(const std::string& name) const {
    return folder_ / name;
  }

  // The folder with certificate.pem, key.pem and root.pem.
  std::string Issue(const std::string& role, const std::string& name) const {
    const std::string out = folder_ / (role + "-" + name);
    const absl::Status made =
        IssueLocally(state(), {.role = role, .name = name, .days = 1}, out);
    EXPECT_TRUE(made.ok()) << made;
    return out;
  }

  Credential Issued(const std::string& role, const std::string& name) const {
    const std::string out = Issue(role, name);
    auto loaded = LoadCredential(out + "/certificate.pem", out + "/key.pem",
                                 out + "/root.pem");
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? *loaded : Credential();
  }

  // One that was good for an hour and is so no more; in memory only.
  Credential Expired(const std::string& role, const std::string& name) const {
    Credential made;
    made.key = *MakeKey();
    const KeyPtr key = ParseKey(made.key);
    const auto issuer = Issuer::Load(state());
    const auto ledger = Ledger::Open(state());
    const auto grant = (*ledger)->GrantLocally(
        role, name,
        {KeyDigest(key.get()), std::time(nullptr) - 7200, 3600,
         issuer->ends()});
    EXPECT_TRUE(grant.ok()) << grant.status();
    made.chain = *issuer->Issue(*grant, key.get(), {});
    made.root = issuer->root();
    return made;
  }

  std::unique_ptr<Authority> Open(Authority::Settings settings = {}) const {
    auto opened = Authority::Open(state(), settings);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }

 private:
  TemporaryFolder folder_;
};

// A self-signed certificate that breaks whatever rule a test likes.
struct OddCertificate {
  std::vector<std::pair<int, std::string>> names;  // GEN_URI, GEN_DNS …
  std::string use = "clientAuth";                  // empty for none
  bool authority = false;
  int64_t from = std::time(nullptr) - 60, to = std::time(nullptr) + 3600;

  std::string Pem() const {
    const KeyPtr key(EVP_EC_gen("P-256"));
    const CertificatePtr made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 77);
    X509_NAME_add_entry_by_NID(
        X509_get_subject_name(made.get()), NID_commonName, MBSTRING_UTF8,
        reinterpret_cast<const unsigned char*>("spiffe://metsuke/operator/cn"),
        -1, -1, 0);
    X509_set_issuer_name(made.get(), X509_get_subject_name(made.get()));
    ASN1_TIME_set(X509_getm_notBefore(made.get()), from);
    ASN1_TIME_set(X509_getm_notAfter(made.get()), to);
    X509_set_pubkey(made.get(), key.get());
    Add(made.get(), NID_basic_constraints,
        authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!use.empty()) Add(made.get(), NID_ext_key_usage, use.c_str());
    if (!names.empty()) AddNames(made.get());
    X509_sign(made.get(), key.get(), EVP_sha256());
    return ToPem(made.get());
  }

 private:
  static void Add(X509* made, int kind, const char* value) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
    X509_add_ext(made, extension, -1);
    X509_EXTENSION_free(extension);
  }
  void AddNames(X509* made) const {
    const NamesPtr list(GENERAL_NAMES_new());
    for (const auto& [kind, text] : names) {
      GENERAL_NAME* name = GENERAL_NAME_new();
      ASN1_IA5STRING* value = ASN1_IA5STRING_new();
      ASN1_STRING_set(value, text.data(), static_cast<int>(text.size()));
      GENERAL_NAME_set0_value(name, kind, value);
      sk_GENERAL_NAME_push(list.get(), name);
    }
    X509_add1_ext_i2d(made, NID_subject_alt_name, list.get(), 0, 0);
  }
};

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_TEST_FLEET_H_
