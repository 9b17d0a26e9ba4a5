// When the host was off, by what it wrote down of its boots.

#ifndef METSUKE_COLLECTORS_HOST_OFF_H_
#define METSUKE_COLLECTORS_HOST_OFF_H_

#include <vector>

#include "collectors/gaps.h"
#include "collectors/host.h"
#include "collectors/log_rhythm.h"

namespace metsuke {

// From a shutdown to the boot after it, by wtmp(5) with its rotated files and
// by wtmpdb(8), in the order of the boots; `since` is 0 where no shutdown was
// written down, as when the power failed. What of them cannot be read is a gap.
std::vector<Pause> ReadOff(const Host& host, Gaps& gaps);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_HOST_OFF_H_
