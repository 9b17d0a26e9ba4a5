// Whether the running sshd applies what its files say.

#ifndef METSUKE_COLLECTORS_SSHD_STATE_H_
#define METSUKE_COLLECTORS_SSHD_STATE_H_

#include <string_view>

#include "collectors/host.h"
#include "collectors/sshd_config.h"
#include "collectors/sshd_daemon.h"

namespace metsuke {

// "same", "stale", "not_running" or "unknown": the column `daemon` of keywords
// that the command line does not set. `settings` are those of `files`.
std::string_view SshdState(const Host& host, const SshdDaemon& daemon,
                           const SshdFiles& files,
                           const SshdSettings& settings);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSHD_STATE_H_
