// What "metsuke-agent join" does around the enrolment when root types it: root
// must not speak to the network, and the agent's user must not start units.

#ifndef METSUKE_AGENT_JOIN_H_
#define METSUKE_AGENT_JOIN_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace metsuke {

// Wipes a word of the command line, which every user of the host can read.
void WipeWord(const std::string& word, int argc, char** argv);

// `word`; when it is empty or "-", a line of standard input, which is asked for
// on a terminal.
absl::StatusOr<std::string> ReadJoinLine(const std::string& word);

// Splits a process of root's in two. The child goes on as the account metsuke-
// agent, without a way back, and gets nothing; root gets the child's exit code
// when it has ended. A process that is not root's goes on as it is.
// FailedPrecondition, with what to do, where there is no such account. To be
// called before the first thread is started.
absl::StatusOr<std::optional<int>> GoOnAsAgent();

// Has systemd start the agent, which may be running with an identity from
// before. Nothing to do where there is no systemd.
absl::Status StartAgentUnit();

}  // namespace metsuke

#endif  // METSUKE_AGENT_JOIN_H_
