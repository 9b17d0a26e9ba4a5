// Mail: RFC 5322 messages, handed to a server (RFC 5321) or to a program of
// this machine.

#ifndef METSUKE_CONTROLLER_DELIVERY_MAIL_H_
#define METSUKE_CONTROLLER_DELIVERY_MAIL_H_

#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "controller/delivery/letter.h"
#include "proto/delivery.pb.h"

namespace metsuke {

// The message that brings `letter` to `to`: text and HTML, lines end with CRLF,
// all of it is ASCII.
std::string ComposeMail(const Letter& letter, const std::string& from,
                        const std::string& to);

// Hands it over. OK once the other side has taken it; else what it said.
absl::Status SendMail(const v1::DeliveryConfig& config, const Letter& letter,
                      const std::string& to, const std::stop_token& stop);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DELIVERY_MAIL_H_
