#include "controller/delivery/send.h"

#include <fmt/format.h>

#include <ctime>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/delivery/folder.h"
#include "controller/delivery/mail.h"
#include "controller/delivery/recipients.h"
#include "controller/delivery/transfer.h"
#include "controller/delivery/webhook.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

constexpr size_t kShownBody = 200;

// What stands in the file; nothing without one.
absl::StatusOr<std::string> SecretOrNone(const std::string& path) {
  if (path.empty()) return "";
  return ReadSecret(path);
}

// What the server said is shown only where it can hold no secret: many repeat
// the address or the token.
absl::Status Refused(const v1::Recipient& recipient, const PostAnswer& answer) {
  const bool shown =
      (recipient.webhook_file() + recipient.token_file()).empty();
  const std::string said =
      shown ? ToUtf8(Utf8Prefix(answer.body, kShownBody)) : "";
  const std::string why =
      fmt::format("the webhook answered {}{}", answer.status,
                  said.empty() ? "" : ": " + said);
  // 408 and 429 are about time (RFC 9110, RFC 6585), and so is what is no fault
  // of the request.
  const bool later = answer.status < 300 || answer.status >= 500 ||
                     answer.status == 408 || answer.status == 429;
  return later ? absl::ResourceExhaustedError(why) : absl::AbortedError(why);
}

absl::StatusOr<PostAnswer> PostLetter(const v1::DeliveryConfig& config,
                                      const v1::Recipient& recipient,
                                      const Letter& letter,
                                      const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const std::string url, WebhookOf(recipient));
  ASSIGN_OR_RETURN(const std::string token,
                   SecretOrNone(recipient.token_file()));
  ASSIGN_OR_RETURN(const std::string secret,
                   SecretOrNone(recipient.secret_file()));
  Posting posting = ComposePosting(letter, recipient.form(), token);
  if (secret.empty()) {
    posting.headers.push_back("webhook-id: " + letter.id);
  } else {
    const auto signature =
        Signature(secret, letter.id, std::time(nullptr), posting.body);
    RETURN_IF_ERROR(Annotate(signature.status(), recipient.secret_file()));
    posting.headers.insert(posting.headers.end(), signature->begin(),
                           signature->end());
  }
  return Post({.url = url,
               .ca_file = config.ca_file(),
               .unencrypted = recipient.unencrypted(),
               .stop = stop},
              posting.headers, posting.body);
}

SendResult SendToWebhook(const v1::DeliveryConfig& config,
                         const v1::Recipient& recipient, const Letter& letter,
                         const std::stop_token& stop) {
  const auto answer = PostLetter(config, recipient, letter, stop);
  if (!answer.ok()) return {.status = answer.status()};
  if (answer->status >= 200 && answer->status < 300) return {};
  return {.status = Refused(recipient, *answer),
          .retry_after = answer->retry_after};
}

absl::Status SendToFolder(const v1::Recipient& recipient, const Letter& letter,
                          const MakeReportPage& make) {
  ASSIGN_OR_RETURN(const std::string page, make(letter.report, recipient));
  return PutIntoFolder(recipient.directory(), letter, page);
}

}  // namespace

SendResult Send(const v1::DeliveryConfig& config,
                const v1::Recipient& recipient, const std::string& address,
                const Letter& letter, const MakeReportPage& page,
                const std::stop_token& stop) {
  if (!recipient.mail().empty())
    return {.status = SendMail(config, letter, address, stop)};
  if (!recipient.directory().empty())
    return {.status = SendToFolder(recipient, letter, page)};
  return SendToWebhook(config, recipient, letter, stop);
}

}  // namespace metsuke
