#include "controller/judge/functions.h"

#include <sqlite3.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/ascii.h"
#include "controller/judge/network.h"
#include "controller/judge/ssh_algorithms.h"
#include "controller/judge/version.h"
#include "controller/store/labels.h"
#include "proto/instant.h"
#include "proto/status.h"

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

void Result(sqlite3_context* context, std::string_view text) {
  // No pointer would be NULL, and that is no text.
  sqlite3_result_text(context, text.empty() ? "" : text.data(),
                      static_cast<int>(text.size()), SQLITE_TRANSIENT);
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
  Result(context, Rfc3339(*instant));
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

void SelectorMatches(sqlite3_context* context, int, sqlite3_value** arguments) {
  const auto text = Text(arguments[0]), labels = Text(arguments[1]);
  const absl::StatusOr<Selector> selector =
      text ? Selector::Parse(*text)
           : absl::InvalidArgumentError("it is not text");
  if (!selector.ok())
    return Fail(context, "selector_matches(): the selector is none: " +
                             Message(selector.status()));
  const auto list = nlohmann::json::parse(labels.value_or(""), nullptr, false);
  if (!list.is_array() || !std::ranges::all_of(list, [](const auto& label) {
        return label.is_string();
      }))
    return Fail(context,
                "selector_matches(): the labels are no JSON array of text");
  sqlite3_result_int(
      context, selector->Matches(list.get<std::vector<std::string>>()));
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

std::optional<SshVerdict> Judged(sqlite3_context* context, const char* function,
                                 sqlite3_value** arguments) {
  const auto word = Text(arguments[0]), name = Text(arguments[1]);
  const auto kind = word ? ParseSshKind(*word) : std::nullopt;
  if (!kind)
    Fail(context, std::string(function) +
                      "(): the kind is 'kex', 'host_key', 'cipher', 'mac' or "
                      "'user_key'");
  else if (!name)  // an empty one may stand in a host's list, and is unknown
    Fail(context, std::string(function) + "(): the name is not text");
  else
    return JudgeSsh(*kind, *name);
  return {};
}

void SshStrengthOf(sqlite3_context* context, int, sqlite3_value** arguments) {
  if (const auto verdict = Judged(context, "ssh_strength", arguments))
    Result(context, Word(verdict->strength));
}

void SshWeaknessOf(sqlite3_context* context, int, sqlite3_value** arguments) {
  if (const auto verdict = Judged(context, "ssh_weakness", arguments))
    Result(context, verdict->weakness);
}

void SshTerrapin(sqlite3_context* context, int, sqlite3_value** arguments) {
  const auto cipher = Text(arguments[0]), mac = Text(arguments[1]);
  if (!cipher || !mac)
    return Fail(context, "ssh_terrapin(): a name is not text");
  sqlite3_result_int(context, OpenToTerrapin(*cipher, *mac));
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
    {"selector_matches", 2, false, SelectorMatches},
    {"version_compare", 3, false, VersionCompare},
    {"ssh_strength", 2, false, SshStrengthOf},
    {"ssh_weakness", 2, false, SshWeaknessOf},
    {"ssh_terrapin", 2, false, SshTerrapin},
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
