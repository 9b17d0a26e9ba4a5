#include "collectors/authorized_key_line.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "proto/base64.h"

namespace metsuke {
namespace {

constexpr std::string_view kBlanks = " \t";

// What the data of a key hold after its type (RFC 4253 6.6, RFC 5656 3.1,
// RFC 8709 4; PROTOCOL.u2f and PROTOCOL.certkeys of OpenSSH).
struct KeyType {
  std::string_view name;
  int fields;      // strings and numbers that are the key
  int size_field;  // the one whose size is the strength; -1 when it is fixed
  uint32_t bits;
};
constexpr std::array<KeyType, 8> kTypes = {{
    {"ssh-rsa", 2, 1, 0},
    {"ssh-dss", 4, 0, 0},
    {"ssh-ed25519", 1, -1, 256},
    {"ecdsa-sha2-nistp256", 2, -1, 256},
    {"ecdsa-sha2-nistp384", 2, -1, 384},
    {"ecdsa-sha2-nistp521", 2, -1, 521},
    {"sk-ssh-ed25519@openssh.com", 2, -1, 256},
    {"sk-ecdsa-sha2-nistp256@openssh.com", 3, -1, 256},
}};
constexpr std::string_view kCertificate = "-cert-v01@openssh.com";

// The type of the key in a certificate: "ssh-rsa" of
// "ssh-rsa-cert-v01@openssh.com", and back to "@openssh.com" for sk- types.
std::string PlainType(const std::string& type) {
  if (!type.ends_with(kCertificate)) return type;
  const std::string plain = type.substr(0, type.size() - kCertificate.size());
  return plain.starts_with("sk-") ? plain + "@openssh.com" : plain;
}

// Takes an RFC 4251 string off `blob`; nothing when it is cut off.
std::optional<std::string_view> TakeString(std::string_view& blob) {
  if (blob.size() < 4) return std::nullopt;
  uint32_t size = 0;
  for (int i = 0; i < 4; ++i)
    size = size << 8 | static_cast<unsigned char>(blob[i]);
  if (size > blob.size() - 4) return std::nullopt;
  const std::string_view text = blob.substr(4, size);
  blob.remove_prefix(4 + size);
  return text;
}

void PutString(std::string& blob, std::string_view text) {
  for (int shift = 24; shift >= 0; shift -= 8)
    blob += static_cast<char>(text.size() >> shift & 0xFF);
  blob += text;
}

// Bits of an RFC 4251 mpint.
uint32_t MpintBits(std::string_view number) {
  while (number.starts_with('\0')) number.remove_prefix(1);
  if (number.empty()) return 0;
  return 8 * (number.size() - 1) +
         std::bit_width(static_cast<unsigned char>(number[0]));
}

std::string Fingerprint(std::string_view blob) {
  unsigned char digest[32];
  EVP_Digest(blob.data(), blob.size(), digest, nullptr, EVP_sha256(), nullptr);
  const std::string text =
      ToBase64({reinterpret_cast<const char*>(digest), sizeof digest});
  return "SHA256:" + text.substr(0, text.find('='));
}

// Fills in what the data of the key say; false when they are no key of the
// type. A certificate has the fingerprint of the key it certifies.
bool ReadBlob(std::string_view blob, KeyLine& key) {
  std::string_view rest = blob;
  if (TakeString(rest) != key.type) return false;
  const bool certificate = key.type.ends_with(kCertificate);
  const std::string plain = PlainType(key.type);
  const auto* type =
      std::find_if(kTypes.begin(), kTypes.end(),
                   [&](const KeyType& t) { return t.name == plain; });
  if (type == kTypes.end()) {
    key.fingerprint = Fingerprint(blob);
    return !rest.empty();
  }
  if (certificate && !TakeString(rest)) return false;  // the nonce
  std::string plain_blob;
  PutString(plain_blob, plain);
  key.bits = type->bits;
  for (int i = 0; i < type->fields; ++i) {
    const std::optional<std::string_view> field = TakeString(rest);
    if (!field || field->empty()) return false;
    if (i == type->size_field) key.bits = MpintBits(*field);
    PutString(plain_blob, *field);
  }
  if (!certificate && !rest.empty()) return false;
  key.fingerprint = Fingerprint(plain_blob);
  return true;
}

std::string_view TakeWord(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return word;
}

// A key with its comment, when `text` begins with one.
bool ReadKey(std::string_view text, KeyLine& key) {
  key.type = std::string(TakeWord(text));
  const std::optional<std::string> blob = FromBase64(TakeWord(text));
  if (!blob || !ReadBlob(*blob, key)) return false;
  key.comment = std::string(text);
  return true;
}

// Takes the options off `text`: up to the first blank outside of quotes. False
// when a quote stays open.
bool TakeOptions(std::string_view& text, std::string& options) {
  bool quoted = false;
  size_t i = 0;
  for (; i < text.size(); ++i) {
    if (!quoted && kBlanks.find(text[i]) != std::string_view::npos) break;
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    }
  }
  options = std::string(text.substr(0, i));
  text.remove_prefix(i);
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return !quoted;
}

// The options one by one; commas in quotes separate nothing.
std::vector<std::string> SplitOptions(std::string_view options) {
  std::vector<std::string> list(1);
  bool quoted = false;
  for (size_t i = 0; i < options.size(); ++i) {
    if (options[i] == '\\' && i + 1 < options.size() && options[i + 1] == '"') {
      list.back() += options[i++];
    } else if (options[i] == '"') {
      quoted = !quoted;
    } else if (options[i] == ',' && !quoted) {
      list.emplace_back();
      continue;
    }
    list.back() += options[i];
  }
  return list;
}

// The value of the option `name`, without its quotes; names are not case
// sensitive (opt_match in OpenSSH's misc.c).
std::string OptionValue(const std::string& options, std::string_view name) {
  for (const std::string& option : SplitOptions(options)) {
    const bool match =
        option.size() > name.size() + 2 &&
        option.compare(name.size(), 2, "=\"") == 0 && option.ends_with('"') &&
        std::equal(name.begin(), name.end(), option.begin(),
                   [](char a, char b) { return a == (b | 0x20); });
    if (!match) continue;
    std::string value;
    for (size_t i = name.size() + 2; i + 1 < option.size(); ++i) {
      if (option[i] == '\\' && option[i + 1] == '"') ++i;
      value += option[i];
    }
    return value;
  }
  return "";
}

}  // namespace

std::optional<KeyLine> ParseKeyLine(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  while (line.ends_with('\r') || line.ends_with('\n')) line.remove_suffix(1);
  if (line.empty() || line[0] == '#') return std::nullopt;
  KeyLine key;
  if (ReadKey(line, key)) return key;
  key = KeyLine();
  if (!TakeOptions(line, key.options) || !ReadKey(line, key))
    return std::nullopt;
  key.from = OptionValue(key.options, "from");
  key.command = OptionValue(key.options, "command");
  return key;
}

}  // namespace metsuke
