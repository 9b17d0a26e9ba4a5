// Puts the beginnings and the ends of sessions together.

#ifndef METSUKE_CONTROLLER_SESSIONS_H_
#define METSUKE_CONTROLLER_SESSIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proto/event.pb.h"
#include "proto/operator.pb.h"

namespace metsuke {

// The sessions of one host.
class SessionJoin {
 public:
  // The next event of the host, in the order of time; those that are no login
  // and no logout are passed over.
  void Add(const v1::Event& event);

  // The sessions, the oldest first, without the host's name. One without an end
  // that began before `booted`, the host's last boot, did not outlast that.
  std::vector<v1::HostSession> Take(int64_t booted);

 private:
  std::vector<v1::HostSession> sessions_;
  std::map<std::string, size_t> open_;  // by Event.session
  // By Event.session: the session that ended last.
  std::map<std::string, size_t> closed_;
  std::string boot_;  // of the last login
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_SESSIONS_H_
