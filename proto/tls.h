// What all programs that speak TLS share: a hardened library, keys and
// requests, and credentials read from files with errors that say which file
// and what to do. Knows nothing of gRPC; see proto/grpc_tls.h.

#ifndef METSUKE_PROTO_TLS_H_
#define METSUKE_PROTO_TLS_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/identity.h"

namespace metsuke {

// Makes TLS in this process what the fleet demands: version 1.3 and nothing
// else, no session tickets, and no settings of the machine's openssl.cnf; and
// ignores SIGPIPE, which children inherit. The first step of every main, before
// a thread is started, as it sets environment variables that gRPC reads.
// Internal when it had no effect: the program must then not go on.
absl::Status HardenTls();

// A certificate with its key and what it is checked against, all PEM.
struct Credential {
  std::string chain;  // the leaf first
  std::string key;
  std::string root;
  Identity identity;  // of the leaf
};

// Reads a credential from files. The error names the file and what to do when
// one cannot be read or parsed, when others than its owner may read or write
// the key, when key and certificate do not belong together, or when the
// certificate is not valid at this moment.
absl::StatusOr<Credential> LoadCredential(const std::string& certificate_path,
                                          const std::string& key_path,
                                          const std::string& root_path);

// A new P-256 private key in PEM (PKCS #8). Write it with WriteFile(…, 0600).
absl::StatusOr<std::string> MakeKey();

// A certificate signing request (RFC 2986) for the key, in DER, with an empty
// subject: the authority would ignore one. InvalidArgument when `key_pem` is no
// private key.
absl::StatusOr<std::string> MakeRequest(const std::string& key_pem);

// OK when the first certificate of `chain_pem` was made for the key.
absl::Status CheckKey(const std::string& chain_pem, const std::string& key_pem);

}  // namespace metsuke

#endif  // METSUKE_PROTO_TLS_H_
