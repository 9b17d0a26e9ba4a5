#include "collectors/own_event.h"

#include <endian.h>

#include "proto/canonical.h"

namespace metsuke {

std::string EventId(uint64_t microseconds, std::string_view words) {
  const uint64_t ordered = htobe64(microseconds);
  return std::string(reinterpret_cast<const char*>(&ordered), sizeof ordered) +
         Sha256(words).substr(0, 16 - sizeof ordered);
}

v1::Event OwnEvent(const char* service, int64_t time,
                   const std::string& detail) {
  v1::Event event;
  event.set_time(time);
  event.set_kind("recorder");
  event.set_service(service);
  event.set_detail(detail);
  event.set_count(1);
  event.set_source("agent");
  event.set_id(EventId(static_cast<uint64_t>(time) * 1'000'000, detail));
  return event;
}

}  // namespace metsuke
