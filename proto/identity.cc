#include "proto/identity.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/bn.h>

#include <algorithm>
#include <ctime>

#include "absl/strings/ascii.h"
#include "proto/openssl.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr std::string_view kPrefix = "spiffe://metsuke/";

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// 8-4-4-4-12 lower-case digits, RFC 4122.
bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHexDigit(text[i])) return false;
  }
  return true;
}

bool IsPlainName(std::string_view text) {
  if (text.empty() || text.size() > 63) return false;
  if (text[0] == '.' || text[0] == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

absl::Status NoIdentity(const char* why) {
  return absl::InvalidArgumentError(
      fmt::format("not a certificate of this fleet: {}", why));
}

std::string_view View(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

absl::Status ParseUri(std::string_view uri, Identity& identity) {
  if (uri.substr(0, kPrefix.size()) != kPrefix)
    return NoIdentity("its URI is of another trust domain");
  uri.remove_prefix(kPrefix.size());
  const size_t slash = uri.find('/');
  if (slash == std::string_view::npos) return NoIdentity("its URI has no name");
  identity.role = uri.substr(0, slash);
  identity.name = uri.substr(slash + 1);
  if (!ValidName(identity.role, identity.name))
    return NoIdentity("its URI has an unknown role or a malformed name");
  return absl::OkStatus();
}

absl::Status ReadNames(X509* certificate, Identity& identity) {
  // Of an extension that is there twice this returns nullptr.
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return NoIdentity("it has no subject alternative name");
  int uris = 0, dns = 0;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      ++dns;
    } else if (name->type != GEN_URI) {
      return NoIdentity("it has a name that is neither URI nor DNS");
    } else if (++uris == 1) {
      RETURN_IF_ERROR(
          ParseUri(View(name->d.uniformResourceIdentifier), identity));
    }
  }
  if (uris != 1) return NoIdentity("it must have exactly one URI");
  if (dns != 0 && identity.role != "controller")
    return NoIdentity("only a controller may have DNS names");
  return absl::OkStatus();
}

absl::Status CheckUse(X509* certificate, const std::string& role) {
  const uint32_t wanted =
      role == "host" || role == "operator" ? XKU_SSL_CLIENT : XKU_SSL_SERVER;
  // UINT32_MAX when the extension is missing.
  if (X509_get_extended_key_usage(certificate) != wanted)
    return NoIdentity("its extended key usage does not fit its role");
  if (X509_check_ca(certificate) != 0)
    return NoIdentity("it is a certificate authority");
  return absl::OkStatus();
}

int64_t Seconds(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

std::string Serial(X509* certificate) {
  BIGNUM* number =
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  char* digits = BN_bn2hex(number);
  std::string serial = digits == nullptr ? "" : digits;
  OPENSSL_free(digits);
  BN_free(number);
  return absl::AsciiStrToLower(serial);
}

std::string TimeText(int64_t seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC",
                     fmt::gmtime(static_cast<std::time_t>(seconds)));
}

}  // namespace

bool ValidName(std::string_view role, std::string_view name) {
  if (role == "host") return IsUuid(name);
  if (role != "operator" && role != "controller" && role != "enrol")
    return false;
  return IsPlainName(name);
}

std::string SpiffeId(std::string_view role, std::string_view name) {
  return fmt::format("{}{}/{}", kPrefix, role, name);
}

absl::StatusOr<Identity> IdentityOf(const std::string& pem) {
  const CertificatePtr certificate = ParseCertificate(pem);
  if (certificate == nullptr) return NoIdentity("it cannot be parsed");
  Identity identity;
  RETURN_IF_ERROR(ReadNames(certificate.get(), identity));
  RETURN_IF_ERROR(CheckUse(certificate.get(), identity.role));
  identity.serial = Serial(certificate.get());
  identity.not_before = Seconds(X509_get0_notBefore(certificate.get()));
  identity.not_after = Seconds(X509_get0_notAfter(certificate.get()));
  return identity;
}

absl::Status CheckTime(const Identity& identity, int64_t now) {
  if (now > identity.not_after)
    return absl::FailedPreconditionError(fmt::format(
        "the certificate of {} {} expired at {}; the clock here says {}",
        identity.role, identity.name, TimeText(identity.not_after),
        TimeText(now)));
  if (now < identity.not_before)
    return absl::FailedPreconditionError(fmt::format(
        "the certificate of {} {} is valid from {}; the clock here says {}",
        identity.role, identity.name, TimeText(identity.not_before),
        TimeText(now)));
  return absl::OkStatus();
}

}  // namespace metsuke
