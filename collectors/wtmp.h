// The records of wtmp(5), with what logrotate has made of it.

#ifndef METSUKE_COLLECTORS_WTMP_H_
#define METSUKE_COLLECTORS_WTMP_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "collectors/host.h"

namespace metsuke {

// Calls `take` with whole records of all files, a part at a time: the newest
// file first, each in its own order. Of all together the newest 174,762 are
// read, 64 MiB. `trouble` is told of each file that is not read, or not as a
// whole.
void ReadWtmp(const Host& host,
              const std::function<void(std::string_view records)>& take,
              const std::function<void(const std::string& path,
                                       const absl::Status&)>& trouble);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_WTMP_H_
