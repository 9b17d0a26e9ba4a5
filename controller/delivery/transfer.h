// What a program of ours says to a server of mail or of webhooks, by libcurl:
// nothing without TLS unless it is on this machine or that is allowed, no other
// protocol, no redirect. A webhook has a minute to answer; a mail server has
// the time that RFC 5321 (4.5.3.2) gives it.

#ifndef METSUKE_CONTROLLER_DELIVERY_TRANSFER_H_
#define METSUKE_CONTROLLER_DELIVERY_TRANSFER_H_

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace metsuke {

// OK when mail can be handed to `url`: "smtp://host:port" or "smtps://host",
// and nothing else in it. The error begins with a verb.
absl::Status CheckMailServer(const std::string& url);

// OK when a report can be posted to `url`: "https://…", or "http://…" when the
// server is on this machine or `unencrypted` allows it. The error begins with a
// verb and does not name the address.
absl::Status CheckWebhookUrl(const std::string& url, bool unencrypted);

// What all of them have in common.
struct TransferOptions {
  std::string url;
  // Root certificates, PEM; empty for those of the system.
  std::string ca_file;
  // Whether a server that is not on this machine may be spoken to without TLS.
  bool unencrypted = false;
  // What is under way is given up when it is asked to stop.
  std::stop_token stop;
};

struct PostAnswer {
  int status = 0;    // of HTTP
  std::string body;  // its beginning, as the server sent it
  // Seconds until the server wants to be asked again; 0 when it does not say.
  int64_t retry_after = 0;
};

// Posts `body`. Headers are "Name: value". Unavailable when the server cannot
// be reached, Cancelled when it was asked to stop. Errors name the host, never
// the rest of the address, which may be secret.
absl::StatusOr<PostAnswer> Post(const TransferOptions& options,
                                const std::vector<std::string>& headers,
                                const std::string& body);

struct SmtpMail {
  std::string from, to;
  std::string user, password;  // empty without
  std::string message;
};

// Hands a message to a server. OK when it has taken it, Aborted when it refuses
// it for good (a reply of 5xx), Unavailable when it cannot be reached,
// Cancelled when it was asked to stop, ResourceExhausted when it does not take
// it now.
absl::Status PostSmtp(const TransferOptions& options, const SmtpMail& mail);

// `text` as it stands in a form that is posted (percent-encoded).
std::string FormEncoded(const std::string& text);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DELIVERY_TRANSFER_H_
