// Where sshd takes connections, as far as its configuration can tell the places
// apart.

#ifndef METSUKE_COLLECTORS_SSH_LISTENERS_H_
#define METSUKE_COLLECTORS_SSH_LISTENERS_H_

#include <string>
#include <vector>

#include "collectors/ssh_matrix.h"
#include "collectors/sshd_config.h"

namespace metsuke {

// Whether a Match block asks for the address that a client speaks to.
bool AsksForLocalAddress(const SshdFiles& files);

// The listeners of the ListenAddress lines among `settings`. One for all
// addresses of a family stands for each of `addresses`, the machine's own, that
// a Match block tells from the others. The two of both families are one where
// no block tells them apart.
std::vector<SshListener> SshListeners(const SshdSettings& settings,
                                      const SshdFiles& files,
                                      const std::vector<IpAddress>& addresses);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSH_LISTENERS_H_
