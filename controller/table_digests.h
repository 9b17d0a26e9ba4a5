#ifndef METSUKE_CONTROLLER_TABLE_DIGESTS_H_
#define METSUKE_CONTROLLER_TABLE_DIGESTS_H_

#include <functional>
#include <map>
#include <string>

namespace metsuke {

// What a host looks like: the digest of each of its tables, by name.
using TableDigests = std::map<std::string, std::string, std::less<>>;

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_TABLE_DIGESTS_H_
