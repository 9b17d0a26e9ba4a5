#include "controller/judge/functions.h"

#include <arpa/inet.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "absl/strings/ascii.h"
#include "controller/judge/version.h"
#include "proto/instant.h"

namespace metsuke {
namespace {

// What SQLite brings and depends on nothing but its arguments. Not here:
// random() and randomblob(), the date functions (they know 'now'),
// load_extension() and writefile(), and everything about the connection.
constexpr std::string_view kOfSqlite[] = {"->",
                                          "->>",
                                          "abs",
                                          "avg",
                                          "char",
                                          "coalesce",
                                          "count",
                                          "cume_dist",
                                          "dense_rank",
                                          "first_value",
                                          "format",
                                          "glob",
                                          "group_concat",
                                          "hex",
                                          "ifnull",
                                          "iif",
                                          "instr",
                                          "json",
                                          "json_array",
                                          "json_array_length",
                                          "json_each",
                                          "json_extract",
                                          "json_group_array",
                                          "json_group_object",
                                          "json_object",
                                          "json_quote",
                                          "json_tree",
                                          "json_type",
                                          "json_valid",
                                          "lag",
                                          "last_value",
                                          "lead",
                                          "length",
                                          "like",
                                          "lower",
                                          "ltrim",
                                          "max",
                                          "min",
                                          "nth_value",
                                          "ntile",
                                          "nullif",
                                          "percent_rank",
                                          "printf",
                                          "quote",
                                          "rank",
                                          "replace",
                                          "round",
                                          "row_number",
                                          "rtrim",
                                          "sign",
                                          "substr",
                                          "substring",
                                          "sum",
                                          "total",
                                          "trim",
                                          "typeof",
                                          "unicode",
                                          "upper"};

void Fail(sqlite3_context* context, const std::string& why) {
  sqlite3_result_error(context, why.c_str(), static_cast<int>(why.size()));
}

std::optional<std::string> Text(sqlite3_value* value) {
  if (sqlite3_value_type(value) != SQLITE_TEXT) return {};
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  return std::string(text, sqlite3_value_bytes(value));
}

int64_t Day(int64_t instant) { return instant / 86400 - (instant % 86400 < 0); }

// Seconds that fit a calendar far beyond RFC 3339, so that nothing overflows.
std::optional<int64_t> Instant(sqlite3_context* context, const char* function,
                               sqlite3_value* value) {
  if (sqlite3_value_type(value) == SQLITE_INTEGER)
    return sqlite3_value_int64(value);
  Fail(context, std::string(function) +
                    "() takes an instant in seconds, which is an integer");
  return {};
}

void Now(sqlite3_context* context, int, sqlite3_value**) {
  sqlite3_result_int64(
      context, *static_cast<const int64_t*>(sqlite3_user_data(context)));
}

void DaysSince(sqlite3_context* context, int, sqlite3_value** arguments) {
  const auto instant = Instant(context, "days_since", arguments[0]);
  const int64_t now = *static_cast<const int64_t*>(sqlite3_user_data(context));
  if (instant) sqlite3_result_int64(context, Day(now) - Day(*instant));
}

void Utc(sqlite3_context* context, int, sqlite3_value** arguments) {
  const auto instant = Instant(context, "utc", arguments[0]);
  if (!instant) return;
  const std::string text = Rfc3339(*instant);
  sqlite3_result_text(context, text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
}

// An address as 16 bytes, IPv4 as ::ffff:0:0/96, and how many leading bits
// count.
struct Network {
  std::array<unsigned char, 16> bytes{};
  int bits = 128;
  bool ipv4 = false;
};

std::optional<int> PrefixLength(std::string_view text) {
  int bits = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size() || bits < 0)
    return {};
  return bits;
}

std::optional<Network> ParseNetwork(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  Network network;
  int width = 128;
  if (inet_pton(AF_INET, address.c_str(), &network.bytes[12]) == 1) {
    network.bytes[10] = network.bytes[11] = 0xFF;
    width = 32;
  } else if (inet_pton(AF_INET6, address.c_str(), network.bytes.data()) != 1) {
    return {};
  }
  if (address.find('\0') != std::string::npos) return {};
  if (slash != std::string_view::npos) {
    const auto bits = PrefixLength(text.substr(slash + 1));
    if (!bits || *bits > width) return {};
    network.bits = *bits + 128 - width;
  }
  constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0,    0,
                                         0, 0, 0, 0, 0xFF, 0xFF};
  network.ipv4 =
      network.bits >= 96 && std::memcmp(network.bytes.data(), kMapped, 12) == 0;
  return network;
}

bool Contains(const Network& network, const Network& address) {
  if (network.ipv4 != address.ipv4) return false;
  const int whole = network.bits / 8, rest = network.bits % 8;
  if (std::memcmp(network.bytes.data(), address.bytes.data(), whole) != 0)
    return false;
  if (rest == 0) return true;
  const int mask = 0xFF00 >> rest & 0xFF;
  return ((network.bytes[whole] ^ address.bytes[whole]) & mask) == 0;
}

// The argument as an address; the whole of it, so its prefix does not count.
std::optional<Network> Address(sqlite3_context* context, const char* function,
                               sqlite3_value* value) {
  const auto text = Text(value);
  auto address = text ? ParseNetwork(*text) : std::nullopt;
  if (!address)
    Fail(context, std::string(function) + "(): the address is not one");
  else if (text->find('/') != std::string::npos)
    address = ParseNetwork(text->substr(0, text->find('/')));
  return address;
}

void InCidr(sqlite3_context* context, int, sqlite3_value** arguments) {
  const auto address = Address(context, "in_cidr", arguments[0]);
  if (!address) return;
  const auto text = Text(arguments[1]);
  const auto network = text ? ParseNetwork(*text) : std::nullopt;
  if (!network) return Fail(context, "in_cidr(): the network is not one");
  sqlite3_result_int(context, Contains(*network, *address));
}

void IsLoopback(sqlite3_context* context, int, sqlite3_value** arguments) {
  const auto address = Address(context, "is_loopback", arguments[0]);
  if (!address) return;
  sqlite3_result_int(context,
                     Contains(*ParseNetwork("127.0.0.0/8"), *address) ||
                         Contains(*ParseNetwork("::1"), *address));
}

void VersionCompare(sqlite3_context* context, int, sqlite3_value** arguments) {
  const auto a = Text(arguments[0]), b = Text(arguments[1]);
  if (!a || !b || a->empty() || b->empty())
    return Fail(context, "version_compare(): a version is empty or not text");
  const auto manager = Text(arguments[2]);
  if (manager == "dpkg")
    sqlite3_result_int(context, CompareDebVersions(*a, *b));
  else if (manager == "rpm")
    sqlite3_result_int(context, CompareRpmVersions(*a, *b));
  else
    Fail(context, "version_compare(): the manager is 'dpkg' or 'rpm'");
}

struct Function {
  const char* name;
  int arguments;
  bool asks_time;
  void (*call)(sqlite3_context*, int, sqlite3_value**);
};

constexpr Function kOwn[] = {
    {"now", 0, true, Now},
    {"days_since", 1, true, DaysSince},
    {"utc", 1, false, Utc},
    {"in_cidr", 2, false, InCidr},
    {"is_loopback", 1, false, IsLoopback},
    {"version_compare", 3, false, VersionCompare},
};

}  // namespace

bool AddFunctions(sqlite3* db, const int64_t* now) {
  for (const Function& f : kOwn)
    if (sqlite3_create_function_v2(db, f.name, f.arguments,
                                   SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                   const_cast<int64_t*>(now), f.call, nullptr,
                                   nullptr, nullptr) != SQLITE_OK)
      return false;
  return true;
}

bool FunctionAllowed(std::string_view name) {
  const std::string lower = absl::AsciiStrToLower(std::string(name));
  return std::find(std::begin(kOfSqlite), std::end(kOfSqlite), lower) !=
             std::end(kOfSqlite) ||
         std::any_of(std::begin(kOwn), std::end(kOwn),
                     [&](const Function& f) { return f.name == lower; });
}

bool FunctionAsksTime(std::string_view name) {
  const std::string lower = absl::AsciiStrToLower(std::string(name));
  return std::any_of(std::begin(kOwn), std::end(kOwn), [&](const Function& f) {
    return f.asks_time && f.name == lower;
  });
}

std::vector<std::string> FunctionNames() {
  std::vector<std::string> names(std::begin(kOfSqlite), std::end(kOfSqlite));
  for (const Function& f : kOwn) names.push_back(f.name);
  return names;
}

}  // namespace metsuke
