// Who a certificate speaks for. A certificate of the fleet carries one SPIFFE
// ID as its URI SAN (the X.509-SVID profile), and that is the whole identity:
//   spiffe://metsuke/host/UUID           an agent; the UUID is ours, never used
//   twice spiffe://metsuke/operator/NAME       a person or a program that asks
//   spiffe://metsuke/controller/NAME     a controller
//   spiffe://metsuke/enrol/NAME          the door for new hosts
// The subject has no meaning, only the leaf of a chain counts, and what the
// holder may do follows from the role and from the database.

#ifndef METSUKE_PROTO_IDENTITY_H_
#define METSUKE_PROTO_IDENTITY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace metsuke {

// The name that each controller's certificate carries as a DNS SAN, whatever
// machine it runs on, and that clients demand.
inline constexpr char kControllerName[] = "controller.metsuke";

struct Identity {
  std::string role;    // "host", "operator", "controller" or "enrol"
  std::string name;    // the UUID of a host; else lower-case letters, digits,
                       // ".", "_" and "-", at most 63
  std::string serial;  // of the certificate, lower-case hexadecimal
  int64_t not_before;  // seconds since 1970-01-01 UTC
  int64_t not_after;   // last second of validity
};

// The identity in the first certificate of `pem`. InvalidArgument when that is
// no leaf of ours: not exactly one URI SAN, a SAN of another kind (a controller
// may have DNS names), a URI that is none of the four above, a CA certificate,
// or an extended key usage other than clientAuth for host and operator and
// serverAuth for controller and enrol. Looks neither at the signature, which
// TLS has verified, nor at the clock; see CheckTime.
absl::StatusOr<Identity> IdentityOf(const std::string& pem);

// FailedPrecondition when `now` is outside the validity, with both times in
// the message, as a wrong clock is a common reason.
absl::Status CheckTime(const Identity& identity, int64_t now);

// "spiffe://metsuke/ROLE/NAME".
std::string SpiffeId(std::string_view role, std::string_view name);

// Whether a certificate of this role may have this name.
bool ValidName(std::string_view role, std::string_view name);

}  // namespace metsuke

#endif  // METSUKE_PROTO_IDENTITY_H_
