// How a host joins a fleet: one connection, one message each way.

#ifndef METSUKE_AGENT_ENROL_H_
#define METSUKE_AGENT_ENROL_H_

#include <boost/filesystem/path.hpp>
#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "proto/identity.h"

namespace metsuke {

// Joins the fleet whose metsuke-enrol listens at `address` ("host:port") with
// the text of a join token, which must come from a file or from standard input
// and never from the command line, where every user of the host can read it.
// Makes a new key, and keeps it, the certificate and the root in `state` (see
// identity_files.h); an identity that is there is replaced. Returns the new
// identity.
//
// Nothing is sent before the other side has shown a certificate for metsuke-
// enrol under the very root the token names. Errors are sentences that say
// what to do: InvalidArgument for a damaged token or address;
// Unauthenticated when the other side is not the one the token names;
// FailedPrecondition when the token or the request was refused; Unavailable or
// DeadlineExceeded when nobody answers.
absl::StatusOr<Identity> Enrol(
    const std::string& address, const std::string& token,
    const boost::filesystem::path& state,
    std::chrono::milliseconds limit = std::chrono::seconds(10));

}  // namespace metsuke

#endif  // METSUKE_AGENT_ENROL_H_
