// The ledger of metsuke-ca, ca.db: the join tokens, and an entry for each
// certificate, written before the certificate is signed. Whoever wants a
// signature needs a Grant, and only the ledger makes one, after its entry is
// on disk: there is no way to a certificate that leaves no trace.

#ifndef METSUKE_CONTROLLER_CA_LEDGER_H_
#define METSUKE_CONTROLLER_CA_LEDGER_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/authority.pb.h"
#include "proto/join_token.h"

struct sqlite3;

namespace metsuke {

// The permission to sign one certificate.
class Grant {
 public:
  const std::string& role() const { return role_; }
  const std::string& name() const { return name_; }
  const std::string& serial() const { return serial_; }
  int64_t not_before() const { return not_before_; }
  int64_t not_after() const { return not_after_; }
  // SHA-256 over the public key it is for.
  const std::string& key() const { return key_; }

 private:
  friend class Ledger;
  Grant() = default;

  std::string role_, name_, serial_, key_;
  int64_t not_before_ = 0, not_after_ = 0;
};

// What is asked of the ledger, whoever asks. Times are seconds since
// 1970-01-01 UTC.
struct Wish {
  std::string key;      // SHA-256 over the public key
  int64_t now = 0;      // when it is asked
  int64_t seconds = 0;  // how long the certificate shall live
  int64_t ceiling = 0;  // end of the issuing certificate
};

// Safe for many threads, and for several processes on one file.
class Ledger {
 public:
  // Opens DIR/ca.db and makes it when it is not there.
  static absl::StatusOr<std::unique_ptr<Ledger>> Open(const std::string& dir);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // A new token; its secret is kept as a digest only. InvalidArgument when the
  // request is out of bounds: a day, 1000 uses, a creator of 64 characters.
  absl::StatusOr<JoinToken> CreateToken(const v1::TokenRequest& request,
                                        const std::string& pin, int64_t now);

  // The newest 100 tokens, newest first.
  absl::StatusOr<std::vector<v1::Token>> Tokens();

  // Uses the token up, makes an identity and grants it a certificate, all of
  // it or nothing. NotFound when no token has this name, PermissionDenied when
  // the secret is wrong, DeadlineExceeded when it is expired, AlreadyExists
  // when it is used up.
  absl::StatusOr<Grant> GrantHost(const v1::EnrolRequest& request,
                                  const Wish& wish);

  // NotFound when this ledger never made the host; ResourceExhausted when it
  // got a certificate less than a minute ago.
  absl::StatusOr<Grant> GrantRenewal(const std::string& host, const Wish& wish);

  // What the administrator of this machine asks for; `role` is not "host".
  // InvalidArgument when the name is not one.
  absl::StatusOr<Grant> GrantLocally(const std::string& role,
                                     const std::string& name, const Wish& wish);

 private:
  class Turn;
  Ledger(sqlite3* db, int lock) : db_(db), lock_(lock) {}
  absl::Status CheckToken(const v1::EnrolRequest& request, int64_t now);
  absl::StatusOr<Grant> Enter(std::string role, std::string name,
                              const Wish& wish, const std::string& reason,
                              const std::string& hostname);

  sqlite3* db_;
  int lock_;
  std::mutex mutex_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_CA_LEDGER_H_
