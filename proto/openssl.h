// OpenSSL's objects as values that free themselves, and its errors as text.
// Only for files that speak to OpenSSL.

#ifndef METSUKE_PROTO_OPENSSL_H_
#define METSUKE_PROTO_OPENSSL_H_

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace metsuke {

template <auto Free>
struct OpenSslFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

// BIO_free returns a value that nobody wants, hence BIO_free_all.
using BioPtr = std::unique_ptr<BIO, OpenSslFree<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpenSslFree<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, OpenSslFree<X509_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, OpenSslFree<X509_REQ_free>>;
using StorePtr = std::unique_ptr<X509_STORE, OpenSslFree<X509_STORE_free>>;
using StoreContextPtr =
    std::unique_ptr<X509_STORE_CTX, OpenSslFree<X509_STORE_CTX_free>>;
using NamesPtr =
    std::unique_ptr<GENERAL_NAMES, OpenSslFree<GENERAL_NAMES_free>>;
using TlsContextPtr = std::unique_ptr<SSL_CTX, OpenSslFree<SSL_CTX_free>>;
using TlsPtr = std::unique_ptr<SSL, OpenSslFree<SSL_free>>;

// The last error of this thread's queue as OpenSSL words it, and empties the
// queue; "unknown error" when it is empty.
std::string OpenSslReason();

// The first certificate or the private key in PEM; nullptr when there is none.
// Never asks for a passphrase.
CertificatePtr ParseCertificate(const std::string& pem);
KeyPtr ParseKey(const std::string& pem);

// In PEM; the key as PKCS #8, unencrypted.
std::string ToPem(X509* certificate);
std::string ToPem(EVP_PKEY* key);

// SHA-256 over the SubjectPublicKeyInfo, 32 bytes: the pin of RFC 7469.
std::string KeyPin(X509* certificate);

}  // namespace metsuke

#endif  // METSUKE_PROTO_OPENSSL_H_
