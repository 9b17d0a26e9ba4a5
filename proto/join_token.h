// A join token, the one thing an administrator carries from the controller to
// a new host: "mtk1_ID_SECRET_PIN_CHECK". ID names it, SECRET proves that the
// host was given it, PIN is SHA-256 over the root certificate's public key, so
// that the host knows whom it speaks to before it sends a byte, and CHECK
// catches slips of copying. All parts are base32 (RFC 4648) in lower case:
// nothing a shell, a mail program or a chat takes for markup.
//
// A join line is a token with where to take it, all that a new host has to be
// told: "TOKEN@CONTROLLER", or "TOKEN@CONTROLLER,ENROL" where metsuke-enrol is
// not on the controller's machine at its usual port; each is "host:port".

#ifndef METSUKE_PROTO_JOIN_TOKEN_H_
#define METSUKE_PROTO_JOIN_TOKEN_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace metsuke {

struct JoinToken {
  std::string id;      // 10 characters
  std::string secret;  // 26 characters, 130 random bits; never shown or logged
  std::string pin;     // 32 bytes, see KeyPin of proto/openssl.h
  // Of a join line; empty of a token alone.
  std::string controller, enrol;
};

// A token with a new random name and secret.
absl::StatusOr<JoinToken> MakeJoinToken(std::string pin);

std::string FormatJoinToken(const JoinToken& token);

// What makes a token a join line when it is put behind it; `enrol` may be empty.
// InvalidArgument when an address is none.
absl::StatusOr<std::string> JoinPlaces(const std::string& controller,
                                       const std::string& enrol);

// Of a token or a join line. InvalidArgument with what is wrong and what to do.
// Blanks and newlines around it are ignored. The message never holds a part of
// the text.
absl::StatusOr<JoinToken> ParseJoinToken(std::string_view text);

}  // namespace metsuke

#endif  // METSUKE_PROTO_JOIN_TOKEN_H_
