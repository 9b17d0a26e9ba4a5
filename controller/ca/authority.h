// What metsuke-ca does with a request, without sockets: who may ask, what is
// granted, what is answered and what is logged.

#ifndef METSUKE_CONTROLLER_CA_AUTHORITY_H_
#define METSUKE_CONTROLLER_CA_AUTHORITY_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "controller/ca/issuer.h"
#include "controller/ca/ledger.h"
#include "proto/authority.pb.h"

namespace metsuke {

// Safe for many threads.
class Authority {
 public:
  struct Settings {
    uid_t controller_uid = 0;
    uid_t enrol_uid = 0;
    uint32_t host_days = 0;  // 0 is 7
  };

  // NotFound, with what to do, when `dir` was never initialised.
  static absl::StatusOr<std::unique_ptr<Authority>> Open(
      const std::string& dir, const Settings& settings);

  // Whether `asker` may ask for anything at all.
  bool Hears(uid_t asker) const;

  // The answer to what a process of user `asker` asks at `now`, seconds since
  // 1970-01-01 UTC. Root and the controller may ask for anything, the enrolment
  // only to enrol.
  v1::AuthorityReply Answer(const v1::AuthorityRequest& request, uid_t asker,
                            int64_t now);

 private:
  Authority(Issuer issuer, std::unique_ptr<Ledger> ledger,
            const Settings& settings);

  bool MayAsk(const v1::AuthorityRequest& request, uid_t asker) const;
  absl::Status Fill(const v1::AuthorityRequest& request, int64_t now,
                    v1::AuthorityReply& reply);
  absl::Status Enrol(const v1::EnrolRequest& request, int64_t now,
                     v1::EnrolReply& reply);
  absl::Status Renew(const v1::RenewRequest& request, int64_t now,
                     v1::EnrolReply& reply);
  absl::Status CreateToken(const v1::TokenRequest& request, int64_t now,
                           std::string& token);
  absl::Status Sign(const Grant& grant, EVP_PKEY* key, v1::EnrolReply& reply);
  Wish MakeWish(EVP_PKEY* key, int64_t now) const;

  Issuer issuer_;
  std::unique_ptr<Ledger> ledger_;
  Settings settings_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_CA_AUTHORITY_H_
