#include "collectors/own_event.h"

#include "proto/event_id.h"

namespace metsuke {

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
