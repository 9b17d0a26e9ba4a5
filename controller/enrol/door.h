// metsuke-enrol: where hosts that have no certificate yet knock. A port and a
// process of its own, that can do nothing but ask metsuke-ca: what a stranger
// sends meets OpenSSL, one length and one small message, and neither HTTP/2
// nor anything the enrolled hosts depend on.

#ifndef METSUKE_CONTROLLER_ENROL_DOOR_H_
#define METSUKE_CONTROLLER_ENROL_DOOR_H_

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "controller/ca/client.h"
#include "controller/enrol/attempts.h"
#include "proto/openssl.h"

namespace metsuke {

// The TLS side of metsuke-enrol: version 1.3, nothing resumed, nothing early.
// The chain must end with the root, which hosts know by its pin only. Errors
// name the file.
absl::StatusOr<TlsContextPtr> EnrolTls(const std::string& certificate_path,
                                       const std::string& key_path);

struct DoorLimits {
  std::chrono::milliseconds time{5000};  // for one connection, all in all
  int failures_per_minute = 5;           // of one address
  int at_once = 16;                      // connections of one address
};

// Safe for many threads.
class EnrolDoor {
 public:
  EnrolDoor(TlsContextPtr tls, AuthorityClient authority, DoorLimits limits);

  // Serves one connection and closes it.
  void Serve(int fd);

 private:
  void LogRefusal(Attempts::Verdict verdict, const std::string& address) const;
  absl::Status Talk(int fd, const std::string& address, Attempts::Time until);

  TlsContextPtr tls_;
  AuthorityClient authority_;
  DoorLimits limits_;
  Attempts attempts_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_ENROL_DOOR_H_
