// How metsuke-agent asks metsuke-collect. Between them lies the border between
// the process that speaks to the network and the one that may read everything,
// so what crosses it inwards is a hundred and twenty bytes, all of them numbers
// of fixed width, and nothing else: whoever holds the agent can ask for tables of
// the schema, for the events after two records and whether a number is in the
// logs, and that is all.
//
// Over a unix socket of type SOCK_SEQPACKET, one question a connection:
//
//   question  magic u32, version u32, Inquiry
//   answer    packets of at most 64 KiB: magic u32, kind u32, total u64, then
//             bytes. The bytes of kind 0 put together are a Collected of
//             `total` bytes, at most 64 MiB; kind 1 is a refusal, a sentence.
//
// Numbers are in the byte order of the machine both run on.

#ifndef METSUKE_COLLECTORS_CHANNEL_H_
#define METSUKE_COLLECTORS_CHANNEL_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "collectors/descriptor.h"
#include "collectors/inquiry.h"
#include "proto/collect.pb.h"

namespace metsuke {

// What `inquiry` wants from the collector that listens on `socket`. NotFound
// when nothing is there, PermissionDenied when it is not for us, Unavailable
// when nobody answers or the answer is not one, DeadlineExceeded when it takes
// longer than `deadline` in all; a cycle of collecting takes 40 seconds at
// most.
absl::StatusOr<v1::Collected> Ask(const std::string& socket,
                                  const Inquiry& inquiry,
                                  std::chrono::milliseconds deadline);

// The side that answers. One asker at a time; only root and `agent` are heard.
class ChannelListener {
 public:
  // Listens on `path`, which only its owner, root and `agent` can open. A
  // socket that nobody listens on any more is replaced; AlreadyExists when
  // somebody does.
  static absl::StatusOr<ChannelListener> Bind(const std::string& path, uid_t agent);

  // Takes over a listening socket, such as one systemd opened.
  ChannelListener(Descriptor socket, uid_t agent);

  // Waits for one asker, checks who it is and what it wants, and answers. An
  // error says why there was no answer and is for the log; only Internal means
  // that the socket itself is of no more use.
  using Answer = std::function<v1::Collected(const Inquiry&)>;
  absl::Status Serve(const Answer& answer);

 private:
  Descriptor socket_;
  uid_t agent_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_CHANNEL_H_
