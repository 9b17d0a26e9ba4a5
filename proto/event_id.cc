#include "proto/event_id.h"

#include <endian.h>

#include "proto/canonical.h"

namespace metsuke {

std::string EventId(uint64_t microseconds, std::string_view words) {
  const uint64_t ordered = htobe64(microseconds);
  return std::string(reinterpret_cast<const char*>(&ordered), sizeof ordered) +
         Sha256(words).substr(0, kEventIdBytes - sizeof ordered);
}

}  // namespace metsuke
