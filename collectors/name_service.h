// Where the C library looks for accounts and the like: nsswitch.conf(5).

#ifndef METSUKE_COLLECTORS_NAME_SERVICE_H_
#define METSUKE_COLLECTORS_NAME_SERVICE_H_

#include <string>
#include <string_view>
#include <vector>

#include "collectors/host.h"

namespace metsuke {

// The sources of `database`, such as "passwd", that are none of this host's own
// files or of its systemd: "sss", "ldap". None when the file cannot be read:
// then there are but files.
std::vector<std::string> ForeignSources(const Host& host,
                                        std::string_view database);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_NAME_SERVICE_H_
