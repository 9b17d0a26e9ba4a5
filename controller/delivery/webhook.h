// Reports as webhooks take them.

#ifndef METSUKE_CONTROLLER_DELIVERY_WEBHOOK_H_
#define METSUKE_CONTROLLER_DELIVERY_WEBHOOK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/delivery/letter.h"

namespace metsuke {

// What is posted.
struct Posting {
  std::vector<std::string> headers;
  std::string body;
};

// `letter` in the form "json", "slack" or "chatwork"; `token` may be empty.
Posting ComposePosting(const Letter& letter, const std::string& form,
                       const std::string& token);

// The headers that vouch for `body` to whoever has the key `secret`
// (https://www.standardwebhooks.com, symmetric): an id that is the same each
// time it is tried, the time `now` and the signature. InvalidArgument when the
// secret is not "whsec_" and at least 24 bytes in base64.
absl::StatusOr<std::vector<std::string>> Signature(const std::string& secret,
                                                   const std::string& id,
                                                   int64_t now,
                                                   const std::string& body);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DELIVERY_WEBHOOK_H_
