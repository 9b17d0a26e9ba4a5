// The SQL functions controls and queries may call: those of SQLite that
// depend on nothing but their arguments, and the product's own.
//
//   now()                        seconds since 1970-01-01 UTC
//   days_since(instant)          midnights (UTC) that have passed since; less
//                                than 0 for an instant on a later day
//   utc(instant)                 "2026-01-31T12:00:00Z"
//   in_cidr(address, network)    1 when the address lies in the network
//   is_loopback(address)         1 for 127.0.0.0/8 and ::1
//   selector_matches(selector, labels)  1 when a host with these labels, a JSON
//                                array of "key=value", is one of those that the
//                                selector of a register names
//   version_compare(a, b, manager)  -1, 0 or 1; manager is 'dpkg' or 'rpm'
//   ssh_strength(kind, name)     'broken', 'weak', 'good' or 'unknown'; kind is
//                                'kex', 'host_key', 'cipher', 'mac' or
//                                'user_key', see ssh_algorithms.h
//   ssh_weakness(kind, name)     why it is not good and since when; '' if it is
//   ssh_terrapin(cipher, mac)    1 when the pair takes strict key exchange
//
// Addresses are IPv4 or IPv6; an IPv4 address inside IPv6 (::ffff:192.0.2.1)
// is that IPv4 address, and a prefix length behind an address, as `interfaces`
// has it, is ignored. An argument that makes no sense, NULL too, ends the
// query with an error: a NULL result would read as "no violation".

#ifndef METSUKE_CONTROLLER_JUDGE_FUNCTIONS_H_
#define METSUKE_CONTROLLER_JUDGE_FUNCTIONS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;

namespace metsuke {

// Adds the product's functions to `db`; now() returns what `*now` is, which
// must outlive `db`. False when SQLite refused one.
bool AddFunctions(sqlite3* db, const int64_t* now);

// Whether a query may call the function of that name, in any case.
bool FunctionAllowed(std::string_view name);

// Whether its result depends on now().
bool FunctionAsksTime(std::string_view name);

// The functions a query may call, to suggest from.
std::vector<std::string> FunctionNames();

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_FUNCTIONS_H_
