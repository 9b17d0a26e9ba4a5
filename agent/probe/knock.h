// One conversation with an SSH server, up to the methods it offers for an
// account: no key is shown, no password sent, nothing is logged in to.

#ifndef METSUKE_AGENT_PROBE_KNOCK_H_
#define METSUKE_AGENT_PROBE_KNOCK_H_

#include <cstdint>
#include <optional>
#include <string>

#include "agent/probe/hello.h"
#include "agent/probe/relay.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

struct Question {
  std::string address;  // IPv4 or IPv6, with a zone where one is needed
  uint16_t port = 22;
  std::string account;
  // The algorithms the server may prove itself with, joined by ","; empty for
  // all that the library knows.
  std::string host_keys;
};

struct Answer {
  // All columns but `listener`.
  v1::SshEndpoint endpoint;
  // What the server offered; nullopt when it did not come to that.
  std::optional<ServerHello> hello;
  // The key it proved itself with; nullopt when it did not come to that.
  std::optional<v1::SshHostKey> key;
};

// Makes the library ready; before the files are closed to this process.
void StartSshLibrary();

// Asks, and takes no longer than `limits` say.
Answer Knock(const Question& question, RelayLimits limits = {});

}  // namespace metsuke

#endif  // METSUKE_AGENT_PROBE_KNOCK_H_
