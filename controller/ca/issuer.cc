#include "controller/ca/issuer.h"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "proto/canonical.h"
#include "proto/file.h"
#include "proto/identity.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400;
constexpr int64_t kRootDays = 3650, kIssuingDays = 365;

absl::Status Failed(const char* what) {
  return absl::InternalError(fmt::format("{}: {}", what, OpenSslReason()));
}

// Adds an extension written as in x509v3_config(5ssl); only for constants.
bool Extend(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  const bool added =
      extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool AddName(GENERAL_NAMES* names, int kind, const std::string& text) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_IA5STRING* value = ASN1_IA5STRING_new();
  ASN1_STRING_set(value, text.data(), static_cast<int>(text.size()));
  GENERAL_NAME_set0_value(name, kind, value);
  return sk_GENERAL_NAME_push(names, name) > 0;
}

// Not through the text form of Extend, where a comma in a name would begin
// another name.
bool AddNames(X509* certificate, const Grant& grant,
              const std::vector<std::string>& dns) {
  const NamesPtr names(GENERAL_NAMES_new());
  bool good =
      AddName(names.get(), GEN_URI, SpiffeId(grant.role(), grant.name()));
  if (grant.role() == "controller") {
    good = good && AddName(names.get(), GEN_DNS, kControllerName);
    for (const std::string& name : dns)
      good = good && AddName(names.get(), GEN_DNS, name);
  }
  return good && X509_add1_ext_i2d(certificate, NID_subject_alt_name,
                                   names.get(), 0, 0) == 1;
}

bool SetSerial(X509* certificate, const std::string& hex) {
  BIGNUM* number = nullptr;
  BN_hex2bn(&number, hex.c_str());
  const bool set =
      number != nullptr &&
      BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

// A certificate that lacks only its extensions and its signature.
CertificatePtr Draft(const std::string& subject, X509* issuer, EVP_PKEY* key,
                     const std::string& serial, int64_t from, int64_t to) {
  CertificatePtr made(X509_new());
  X509_NAME* name = X509_get_subject_name(made.get());
  const auto* text = reinterpret_cast<const unsigned char*>(subject.c_str());
  const bool good =
      X509_set_version(made.get(), X509_VERSION_3) == 1 &&
      SetSerial(made.get(), serial) &&
      X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text, -1,
                                 -1, 0) == 1 &&
      X509_set_issuer_name(
          made.get(),
          issuer == nullptr ? name : X509_get_subject_name(issuer)) == 1 &&
      ASN1_TIME_set(X509_getm_notBefore(made.get()), from) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(made.get()), to) != nullptr &&
      X509_set_pubkey(made.get(), key) == 1;
  return good ? std::move(made) : nullptr;
}

std::string RandomSerial() {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) return "";
  return Hex({reinterpret_cast<const char*>(bytes), sizeof(bytes)});
}

bool MakeAuthority(X509* made, X509* issuer, const char* constraints) {
  return Extend(made, issuer, NID_basic_constraints, constraints) &&
         Extend(made, issuer, NID_key_usage, "critical,keyCertSign,cRLSign") &&
         Extend(made, issuer, NID_subject_key_identifier, "hash") &&
         Extend(made, issuer, NID_authority_key_identifier, "keyid:always");
}

absl::StatusOr<CertificatePtr> ReadCertificate(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string pem, ReadFile(path));
  CertificatePtr certificate = ParseCertificate(pem);
  if (certificate == nullptr)
    return absl::DataLossError(path + ": holds no certificate in PEM");
  return certificate;
}

absl::StatusOr<KeyPtr> ReadKey(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string pem, ReadFile(path));
  KeyPtr key = ParseKey(pem);
  if (key == nullptr)
    return absl::DataLossError(path + ": holds no private key in PEM");
  return key;
}

absl::Status KeepPair(const std::string& certificate_path, X509* certificate,
                      const std::string& key_path, EVP_PKEY* key) {
  RETURN_IF_ERROR(WriteFile(key_path, ToPem(key), 0600));
  return WriteFile(certificate_path, ToPem(certificate), 0600);
}

int64_t EndOf(X509* certificate) {
  std::tm parts{};
  ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts);
  return timegm(&parts);
}

}  // namespace

absl::Status MakeRoot(const std::string& dir, int64_t now) {
  if (access((dir + kRootCertificate).c_str(), F_OK) == 0)
    return absl::AlreadyExistsError(
        dir +
        ": has an authority already; every host trusts it, so it is not "
        "replaced");
  const KeyPtr key(EVP_EC_gen("P-384"));
  if (key == nullptr) return Failed("make the root key");
  const CertificatePtr made =
      Draft("Metsuke root", nullptr, key.get(), RandomSerial(), now - kDay,
            now + kRootDays * kDay);
  if (made == nullptr ||
      !MakeAuthority(made.get(), made.get(), "critical,CA:TRUE,pathlen:1") ||
      X509_sign(made.get(), key.get(), EVP_sha384()) <= 0)
    return Failed("make the root certificate");
  return KeepPair(dir + kRootCertificate, made.get(), dir + kRootKey,
                  key.get());
}

absl::Status MakeIssuing(const std::string& dir, int64_t now) {
  ASSIGN_OR_RETURN(const CertificatePtr root,
                   ReadCertificate(dir + kRootCertificate));
  ASSIGN_OR_RETURN(const KeyPtr root_key, ReadKey(dir + kRootKey));
  const KeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed("make the issuing key");
  const int64_t end = std::min(now + kIssuingDays * kDay, EndOf(root.get()));
  const CertificatePtr made = Draft("Metsuke issuing authority", root.get(),
                                    key.get(), RandomSerial(), now - kDay, end);
  if (made == nullptr ||
      !MakeAuthority(made.get(), root.get(), "critical,CA:TRUE,pathlen:0") ||
      X509_sign(made.get(), root_key.get(), EVP_sha384()) <= 0)
    return Failed("make the issuing certificate");
  return KeepPair(dir + kIssuingCertificate, made.get(), dir + kIssuingKey,
                  key.get());
}

absl::StatusOr<KeyPtr> RequestedKey(const std::string& request_der) {
  const auto* bytes =
      reinterpret_cast<const unsigned char*>(request_der.data());
  const auto* end = bytes + request_der.size();
  const RequestPtr request(
      d2i_X509_REQ(nullptr, &bytes, static_cast<long>(request_der.size())));
  KeyPtr key(request == nullptr ? nullptr : X509_REQ_get_pubkey(request.get()));
  char group[32] = "";
  const bool good =
      key != nullptr && bytes == end && EVP_PKEY_is_a(key.get(), "EC") == 1 &&
      EVP_PKEY_get_group_name(key.get(), group, sizeof(group), nullptr) == 1 &&
      std::string(group) == "prime256v1" &&
      X509_REQ_verify(request.get(), key.get()) == 1;
  ERR_clear_error();
  if (good) return key;
  return absl::InvalidArgumentError(
      "the signing request is damaged, or not for a P-256 key it is signed "
      "with");
}

std::string KeyDigest(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return "";
  const std::string digest =
      Sha256({reinterpret_cast<const char*>(der), static_cast<size_t>(size)});
  OPENSSL_free(der);
  return digest;
}

absl::StatusOr<Issuer> Issuer::Load(const std::string& dir) {
  if (access((dir + kIssuingCertificate).c_str(), F_OK) != 0)
    return absl::NotFoundError(fmt::format(
        "{}: holds no authority; make one with \"metsuke-ca --state {} init\"",
        dir, dir));
  Issuer issuer;
  ASSIGN_OR_RETURN(const CertificatePtr root,
                   ReadCertificate(dir + kRootCertificate));
  ASSIGN_OR_RETURN(issuer.certificate_,
                   ReadCertificate(dir + kIssuingCertificate));
  ASSIGN_OR_RETURN(issuer.key_, ReadKey(dir + kIssuingKey));
  if (X509_check_private_key(issuer.certificate_.get(), issuer.key_.get()) !=
      1) {
    ERR_clear_error();
    return absl::DataLossError(
        dir +
        ": the issuing key does not belong to the issuing certificate; "
        "make both anew with \"metsuke-ca reissue\"");
  }
  issuer.root_ = ToPem(root.get());
  issuer.pin_ = KeyPin(root.get());
  issuer.ends_ = EndOf(issuer.certificate_.get());
  return issuer;
}

absl::StatusOr<std::string> Issuer::Issue(
    const Grant& grant, EVP_PKEY* key,
    const std::vector<std::string>& dns) const {
  if (KeyDigest(key) != grant.key())
    return absl::InternalError("the grant is for another key");
  const bool client = grant.role() == "host" || grant.role() == "operator";
  // The subject is for people who look at the file; nothing here reads it.
  const CertificatePtr made =
      Draft(fmt::format("Metsuke {}", grant.role()), certificate_.get(), key,
            grant.serial(), grant.not_before(), grant.not_after());
  if (made == nullptr ||
      !Extend(made.get(), certificate_.get(), NID_basic_constraints,
              "critical,CA:FALSE") ||
      !Extend(made.get(), certificate_.get(), NID_key_usage,
              "critical,digitalSignature") ||
      !Extend(made.get(), certificate_.get(), NID_ext_key_usage,
              client ? "clientAuth" : "serverAuth") ||
      !Extend(made.get(), certificate_.get(), NID_authority_key_identifier,
              "keyid:always") ||
      !AddNames(made.get(), grant, dns) ||
      X509_sign(made.get(), key_.get(), EVP_sha256()) <= 0)
    return Failed("make a certificate");
  return ToPem(made.get()) + ToPem(certificate_.get());
}

}  // namespace metsuke
