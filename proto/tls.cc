#include "proto/tls.h"

#include <fmt/format.h>
#include <openssl/conf.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <ctime>

#include "proto/file.h"
#include "proto/openssl.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// config(5ssl): system_default applies to every SSL_CTX of the process, also
// to those that gRPC makes. Without tickets there is no resumption, and a
// resumed session is one whose certificate nobody looks at again: gRPC 1.51
// serves it after the certificate has expired.
constexpr char kOpenSslConfig[] = R"(
openssl_conf = metsuke
[metsuke]
ssl_conf = programs
[programs]
system_default = every_context
[every_context]
Options = -SessionTicket
MinProtocol = TLSv1.3
)";

// gRPC 1.51 sets the lowest version to 1.2 after the configuration was applied
// and has no option to raise it. A suite that needs a pre-shared key, which
// nobody has, leaves 1.2 with nothing to negotiate; the suites of 1.3 are a
// list of their own (SSL_CTX_set_ciphersuites) that this does not touch.
constexpr char kNoTls12[] = "ECDHE-PSK-CHACHA20-POLY1305";

absl::Status Failed(const char* what) {
  return absl::InternalError(fmt::format("TLS: {}: {}", what, OpenSslReason()));
}

bool Hardened() {
  const TlsContextPtr context(SSL_CTX_new(TLS_server_method()));
  return context != nullptr &&
         (SSL_CTX_get_options(context.get()) & SSL_OP_NO_TICKET) != 0 &&
         SSL_CTX_get_min_proto_version(context.get()) == TLS1_3_VERSION;
}

absl::Status Configure() {
  using ConfigPtr = std::unique_ptr<CONF, OpenSslFree<NCONF_free>>;
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  OPENSSL_load_builtin_modules();
  const ConfigPtr config(NCONF_new(nullptr));
  const BioPtr text(BIO_new_mem_buf(kOpenSslConfig, -1));
  if (NCONF_load_bio(config.get(), text.get(), nullptr) != 1)
    return Failed("read the settings");
  if (CONF_modules_load(config.get(), nullptr, 0) != 1)
    return Failed("apply the settings");
  return absl::OkStatus();
}

absl::Status CheckPrivate(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & 0077) != 0)
    return absl::FailedPreconditionError(fmt::format(
        "{}: others may use this private key (mode {:04o}); chmod 600 it, and "
        "replace the key if somebody may have read it",
        path, info.st_mode & 07777));
  return absl::OkStatus();
}

absl::Status NoPem(const std::string& path, const char* what) {
  return absl::InvalidArgumentError(fmt::format(
      "{}: holds no {} in PEM; metsuke-ca or the enrolment writes such files",
      path, what));
}

absl::StatusOr<std::string> ReadCertificate(const std::string& path) {
  ASSIGN_OR_RETURN(std::string pem, ReadFile(path));
  if (ParseCertificate(pem) == nullptr) return NoPem(path, "certificate");
  return pem;
}

}  // namespace

absl::Status HardenTls() {
  setenv("GRPC_SSL_CIPHER_SUITES", kNoTls12, 1);
  // OpenSSL writes to sockets with write(2), which kills the program when the
  // peer is gone.
  signal(SIGPIPE, SIG_IGN);
  if (!Hardened()) RETURN_IF_ERROR(Configure());
  if (!Hardened()) return Failed("the settings have no effect");
  return absl::OkStatus();
}

absl::StatusOr<Credential> LoadCredential(const std::string& certificate_path,
                                          const std::string& key_path,
                                          const std::string& root_path) {
  Credential credential;
  ASSIGN_OR_RETURN(credential.chain, ReadCertificate(certificate_path));
  ASSIGN_OR_RETURN(credential.root, ReadCertificate(root_path));
  RETURN_IF_ERROR(CheckPrivate(key_path));
  ASSIGN_OR_RETURN(credential.key, ReadFile(key_path));
  if (ParseKey(credential.key) == nullptr)
    return NoPem(key_path, "private key");
  if (!CheckKey(credential.chain, credential.key).ok())
    return absl::InvalidArgumentError(fmt::format(
        "{}: not the key of the certificate {}", key_path, certificate_path));
  auto identity = IdentityOf(credential.chain);
  if (!identity.ok()) return Annotate(identity.status(), certificate_path);
  credential.identity = *std::move(identity);
  RETURN_IF_ERROR(Annotate(CheckTime(credential.identity, std::time(nullptr)),
                           certificate_path));
  return credential;
}

absl::StatusOr<std::string> MakeKey() {
  const KeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed("make a key");
  return ToPem(key.get());
}

absl::StatusOr<std::string> MakeRequest(const std::string& key_pem) {
  const KeyPtr key = ParseKey(key_pem);
  if (key == nullptr)
    return absl::InvalidArgumentError("not a private key in PEM");
  const RequestPtr request(X509_REQ_new());
  unsigned char* der = nullptr;
  if (X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0)
    return Failed("make a request");
  const int size = i2d_X509_REQ(request.get(), &der);
  if (size <= 0) return Failed("encode a request");
  std::string bytes(reinterpret_cast<const char*>(der),
                    static_cast<size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

absl::Status CheckKey(const std::string& chain_pem,
                      const std::string& key_pem) {
  const CertificatePtr leaf = ParseCertificate(chain_pem);
  const KeyPtr key = ParseKey(key_pem);
  const bool belongs = leaf != nullptr && key != nullptr &&
                       X509_check_private_key(leaf.get(), key.get()) == 1;
  ERR_clear_error();
  if (belongs) return absl::OkStatus();
  return absl::InvalidArgumentError("the certificate is not for this key");
}

}  // namespace metsuke
