// All that one SSH server is asked: its methods for each account, its offers,
// and each of its keys, with as few conversations as that takes.

#ifndef METSUKE_AGENT_PROBE_SURVEY_H_
#define METSUKE_AGENT_PROBE_SURVEY_H_

#include <functional>

#include "agent/probe/knock.h"
#include "proto/snapshot.pb.h"
#include "proto/ssh_probe.h"

namespace metsuke {

// Conversations a server is asked for at most. OpenSSH 9.8 and later count each
// against a client that never logs in: one second of penalty, and fifteen
// before anything follows (PerSourcePenalties of sshd_config(5)). fail2ban,
// where it is told to be aggressive, bans whom it sees five times in ten
// minutes.
inline constexpr int kMostKnocks = 4;

// Rows as RunProbe has them. A server that does not answer is not asked again
// for the other accounts: their rows say what the last one's does. `knock` is
// Knock, but in tests.
v1::Snapshot Survey(const ProbeTarget& target,
                    const std::function<Answer(const Question&)>& knock);

}  // namespace metsuke

#endif  // METSUKE_AGENT_PROBE_SURVEY_H_
