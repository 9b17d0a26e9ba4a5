#include "collectors/shadow.h"

#include <crypt.h>
#include <string.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "collectors/passwd.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// Methods of crypt(5): how a hash begins, what we call it, and how long the
// part after its last "$" is, or the whole of it for those without one.
struct Method {
  std::string_view prefix, name;
  size_t length;
};
constexpr std::array<Method, 16> kMethods = {{
    {"$y$", "yescrypt", 43},
    {"$gy$", "gost-yescrypt", 43},
    {"$sm3y$", "sm3-yescrypt", 43},
    {"$7$", "scrypt", 43},
    {"$2a$", "bcrypt", 53},
    {"$2b$", "bcrypt", 53},
    {"$2x$", "bcrypt", 53},
    {"$2y$", "bcrypt", 53},
    {"$6$", "sha512", 86},
    {"$5$", "sha256", 43},
    {"$sm3$", "sm3", 43},
    {"$sha1", "sha1", 28},
    {"$md5", "sunmd5", 22},
    {"$1$", "md5", 22},
    {"$3$", "nt", 32},
    {"_", "bsdicrypt", 20},
}};

constexpr std::string_view kAlphabet =
    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// The class of `hash`; empty when crypt(3) could not have made it. "NP", "*LK*"
// and their like are no hashes although "NP" is a valid salt of DES.
std::string_view HashClass(std::string_view hash) {
  for (const Method& method : kMethods) {
    if (!hash.starts_with(method.prefix)) continue;
    const size_t dollar = hash.rfind('$');
    const size_t tail = dollar == std::string_view::npos
                            ? hash.size()
                            : hash.size() - dollar - 1;
    return tail == method.length ? method.name : std::string_view();
  }
  if (hash.starts_with('$')) return "unknown";
  // DES gives two characters of salt and eleven of hash; Digital's bigcrypt
  // adds eleven for each further eight characters of password.
  const bool des = hash.size() >= 13 && hash.size() % 11 == 2 &&
                   hash.find_first_not_of(kAlphabet) == std::string_view::npos;
  return des ? "des" : std::string_view();
}

// As INT_FIELD_MAYBE_NULL of glibc's nss/sgetspent_r.c.
bool ParseDays(const std::string& field, int64_t* days) {
  *days = -1;
  if (field.empty()) return true;
  char* end = nullptr;
  const long long value = std::strtoll(field.c_str(), &end, 10);
  if (end == field.c_str() || *end != '\0') return false;
  // Beyond this many days an instant does not fit; shadow(5) means "never" by
  // such numbers.
  *days = value < 0 ? -1 : value > INT32_MAX ? INT32_MAX : value;
  return true;
}

// Whether the line has the fields glibc wants: the old form up to the longest
// age, or all up to the day of expiry; the last one may only be empty when a
// colon follows it. What stands behind them is a number or nothing.
bool IsWhole(const std::vector<std::string>& fields) {
  int64_t flag;
  switch (fields.size()) {
    case 5:
      return !fields[4].empty();
    case 6:
      return fields[5].empty();
    case 8:
      return !fields[7].empty();
    case 9:
      return ParseDays(fields[8], &flag);
    default:
      return false;
  }
}

}  // namespace

PasswordState ClassifyPassword(std::string_view field) {
  if (field.empty()) return {"empty"};
  const size_t start = field.find_first_not_of('!');
  if (start == std::string_view::npos) return {"none"};
  std::string hash(field.substr(start));
  const std::string_view name = HashClass(hash);
  const int salt = crypt_checksalt(hash.c_str());
  explicit_bzero(hash.data(), hash.size());
  if (name.empty() || salt == CRYPT_SALT_INVALID) return {"none"};
  const bool strong = salt == CRYPT_SALT_OK;
  if (salt == CRYPT_SALT_METHOD_DISABLED) return {"none", name, strong};
  return {start == 0 ? "set" : "locked", name, strong};
}

std::map<std::string, ShadowEntry> ParseShadow(std::string_view text) {
  std::map<std::string, ShadowEntry> entries;
  std::string_view line;
  while (NextLine(text, line)) {
    const size_t start = line.find_first_not_of(" \t\r\v\f");
    if (start == std::string_view::npos || line[start] == '#') continue;
    std::vector<std::string> fields = SplitFields(line.substr(start), ':', 9);
    const bool whole = IsWhole(fields);
    fields.resize(9);
    ShadowEntry entry{ClassifyPassword(fields[1]), -1, -1, -1, -1, -1, -1};
    explicit_bzero(fields[1].data(), fields[1].size());
    if (whole && ParseDays(fields[2], &entry.changed) &&
        ParseDays(fields[3], &entry.min) && ParseDays(fields[4], &entry.max) &&
        ParseDays(fields[5], &entry.warn) &&
        ParseDays(fields[6], &entry.inactive) &&
        ParseDays(fields[7], &entry.expires))
      entries.emplace(fields[0], entry);
  }
  return entries;
}

absl::StatusOr<std::map<std::string, ShadowEntry>> ReadShadow(
    const Host& host) {
  ASSIGN_OR_RETURN(std::string text, host.Read("/etc/shadow", kAccountFileCap));
  std::map<std::string, ShadowEntry> entries = ParseShadow(text);
  explicit_bzero(text.data(), text.size());
  return entries;
}

}  // namespace metsuke
