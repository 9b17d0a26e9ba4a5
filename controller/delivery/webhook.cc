#include "controller/delivery/webhook.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "controller/delivery/transfer.h"
#include "controller/item.h"
#include "proto/base64.h"
#include "proto/encode.h"

namespace metsuke {
namespace {

// Slack takes 40,000 characters, Mattermost 16,383, and nobody reads that many.
constexpr size_t kChatBytes = 12000;
constexpr std::string_view kSecretPrefix = "whsec_";
constexpr size_t kLeastKey = 24;

std::string Replaced(const std::string& text, char what,
                     std::string_view with) {
  std::string out;
  for (const char c : text)
    if (c == what)
      out += with;
    else
      out += c;
  return out;
}

// Within a block of code nothing but its end and Slack's <links> has a meaning,
// neither a mention nor a picture.
std::string InertForSlack(std::string line) {
  line = Replaced(line, '&', "&amp;");
  line = Replaced(line, '<', "&lt;");
  line = Replaced(line, '>', "&gt;");
  return Replaced(line, '`', "'");
}

// ChatWork has no way to write a bracket that begins no tag.
std::string InertForChatWork(std::string line) {
  return Replaced(Replaced(line, '[', "［"), ']', "］");
}

Posting Slack(const Letter& letter) {
  const std::string text = fmt::format(
      "*{}*\n```\n{}```",
      InertForSlack(enc::Tty(Headline(letter.report, letter.language))),
      ChatText(letter.report, letter.language, kChatBytes, InertForSlack));
  return {.headers = {"Content-Type: application/json"},
          .body = ToJson({{"text", text}})};
}

Posting ChatWork(const Letter& letter, const std::string& token) {
  const std::string text = fmt::format(
      "[info][title]{}[/title][code]{}[/code][/info]",
      InertForChatWork(enc::Tty(Headline(letter.report, letter.language))),
      ChatText(letter.report, letter.language, kChatBytes, InertForChatWork));
  return {.headers = {"Content-Type: application/x-www-form-urlencoded",
                      "X-ChatWorkToken: " + token},
          .body = "self_unread=1&body=" + FormEncoded(text)};
}

}  // namespace

Posting ComposePosting(const Letter& letter, const std::string& form,
                       const std::string& token) {
  if (form == "chatwork") return ChatWork(letter, token);
  Posting posting = form == "slack"
                        ? Slack(letter)
                        : Posting{.headers = {"Content-Type: application/json"},
                                  .body = ReportJson(letter.report)};
  if (!token.empty())
    posting.headers.push_back("Authorization: Bearer " + token);
  return posting;
}

absl::StatusOr<std::vector<std::string>> Signature(const std::string& secret,
                                                   const std::string& id,
                                                   int64_t now,
                                                   const std::string& body) {
  std::optional<std::string> key;
  if (secret.starts_with(kSecretPrefix))
    key = FromBase64(std::string_view(secret).substr(kSecretPrefix.size()));
  if (!key || key->size() < kLeastKey)
    return absl::InvalidArgumentError(
        "a key to sign with is whsec_ and at least 24 bytes in base64: echo "
        "whsec_$(openssl rand -base64 32)");
  const std::string signed_text = fmt::format("{}.{}.{}", id, now, body);
  unsigned char code[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key->data(), static_cast<int>(key->size()),
       reinterpret_cast<const unsigned char*>(signed_text.data()),
       signed_text.size(), code, &size);
  return std::vector<std::string>{
      "webhook-id: " + id, fmt::format("webhook-timestamp: {}", now),
      "webhook-signature: v1," +
          ToBase64({reinterpret_cast<const char*>(code), size})};
}

}  // namespace metsuke
