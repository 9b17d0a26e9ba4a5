// The lists of available packages that a package manager has fetched.

#ifndef METSUKE_COLLECTORS_PACKAGE_LISTS_H_
#define METSUKE_COLLECTORS_PACKAGE_LISTS_H_

#include <cstdint>

#include "collectors/host.h"

namespace metsuke {

// When the source that was reached the longest ago was reached, in seconds
// since 1970-01-01 UTC, rounded down to the hour; 0 when no list was ever
// fetched or it cannot be told.
int64_t PackageListsFetched(const Host& host);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_PACKAGE_LISTS_H_
