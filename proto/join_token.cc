#include "proto/join_token.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "proto/canonical.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kEnrolPort = "7444";
constexpr size_t kIdSize = 10, kSecretSize = 26, kPinSize = 52, kCheckSize = 2;

// Five bits a character, the last one filled up with zeros.
std::string Base32(std::string_view bytes) {
  std::string text;
  uint32_t bits = 0;
  int held = 0;
  for (const unsigned char byte : bytes) {
    bits = bits << 8 | byte;
    for (held += 8; held >= 5; held -= 5)
      text += kAlphabet[bits >> (held - 5) & 31];
    bits &= (1u << held) - 1;
  }
  if (held > 0) text += kAlphabet[bits << (5 - held) & 31];
  return text;
}

std::optional<std::string> FromBase32(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 5 | static_cast<uint32_t>(value);
    held += 5;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 255);
    bits &= (1u << held) - 1;
  }
  return bytes;
}

absl::StatusOr<std::string> RandomText(size_t size) {
  std::string text(size, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(text.data()),
                 static_cast<int>(size)) != 1)
    return absl::UnavailableError("the system gives no random bytes");
  for (char& c : text) c = kAlphabet[static_cast<unsigned char>(c) & 31];
  return text;
}

std::string Check(std::string_view text) {
  return Base32(Sha256(text)).substr(0, kCheckSize);
}

std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (size_t end; (end = text.find('_')) != std::string_view::npos;
       text.remove_prefix(end + 1))
    parts.push_back(text.substr(0, end));
  parts.push_back(text);
  return parts;
}

std::string_view Strip(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

absl::Status Malformed(std::string_view why) {
  return absl::InvalidArgumentError(fmt::format(
      "join token: {}; copy all of what \"metsukectl token create\" printed",
      why));
}

bool IsAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool bracketed = host.front() == '[' && host.back() == ']';
  const auto of_host = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || std::string_view("-._:[]%").find(c) < 7;
  };
  return !port.empty() && port.size() <= 5 &&
         port.find_first_not_of("0123456789") == std::string_view::npos &&
         std::all_of(host.begin(), host.end(), of_host) &&
         (bracketed || host.find(':') == std::string_view::npos);
}

// Where a line says to take its token.
absl::Status ParsePlaces(std::string_view text, JoinToken& token) {
  const size_t comma = text.find(',');
  token.controller = text.substr(0, comma);
  if (!IsAddress(token.controller))
    return Malformed("behind its @ there is no address of a controller");
  if (comma == std::string_view::npos) {
    token.enrol = fmt::format(
        "{}:{}", token.controller.substr(0, token.controller.rfind(':')),
        kEnrolPort);
    return absl::OkStatus();
  }
  token.enrol = text.substr(comma + 1);
  if (!IsAddress(token.enrol))
    return Malformed("behind its comma there is no address of metsuke-enrol");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<JoinToken> MakeJoinToken(std::string pin) {
  JoinToken token;
  ASSIGN_OR_RETURN(token.id, RandomText(kIdSize));
  ASSIGN_OR_RETURN(token.secret, RandomText(kSecretSize));
  token.pin = std::move(pin);
  return token;
}

std::string FormatJoinToken(const JoinToken& token) {
  const std::string text =
      fmt::format("mtk1_{}_{}_{}", token.id, token.secret, Base32(token.pin));
  return fmt::format("{}_{}", text, Check(text));
}

absl::StatusOr<std::string> JoinPlaces(const std::string& controller,
                                       const std::string& enrol) {
  for (const std::string& address : {controller, enrol})
    if (!address.empty() && !IsAddress(address))
      return absl::InvalidArgumentError(fmt::format(
          "\"{}\" is no address that hosts can be told; write it as "
          "controller.example:7443",
          address));
  return fmt::format("@{}{}{}", controller, enrol.empty() ? "" : ",", enrol);
}

absl::StatusOr<JoinToken> ParseJoinToken(std::string_view text) {
  text = Strip(text);
  if (text.empty()) return Malformed("it is empty");
  if (text.size() > 1024) return Malformed("it is too long");
  JoinToken token;
  if (const size_t at = text.find('@'); at != std::string_view::npos) {
    RETURN_IF_ERROR(ParsePlaces(text.substr(at + 1), token));
    text = text.substr(0, at);
  }
  if (text.substr(0, 5) != "mtk1_")
    return Malformed("it does not begin with mtk1_");
  const auto parts = Split(text);
  if (parts.size() != 5 || parts[1].size() != kIdSize ||
      parts[2].size() != kSecretSize || parts[3].size() != kPinSize ||
      parts[4].size() != kCheckSize)
    return Malformed("a part of it is missing");
  if (Check(text.substr(0, text.size() - kCheckSize - 1)) != parts[4])
    return Malformed("a character of it is wrong");
  const auto pin = FromBase32(parts[3]);
  if (!FromBase32(parts[1]) || !FromBase32(parts[2]) || !pin)
    return Malformed("it has a character that no token has");
  token.id = parts[1];
  token.secret = parts[2];
  token.pin = *pin;
  return token;
}

}  // namespace metsuke
