#include "collectors/event_position.h"

#include <cstring>

namespace metsuke {

std::string EventPosition::Bytes() const {
  return std::string(reinterpret_cast<const char*>(this), sizeof *this);
}

EventPosition EventPosition::FromBytes(std::string_view bytes) {
  EventPosition position;
  if (bytes.size() == sizeof position ||
      bytes.size() == sizeof position.journal)
    memcpy(static_cast<void*>(&position), bytes.data(), bytes.size());
  return position;
}

std::string PositionAfter(const v1::Collected& collected,
                          std::string_view before) {
  EventPosition position = EventPosition::FromBytes(before);
  const std::string &journal = collected.heard().position(),
                    &audit = collected.audit().position();
  if (journal.size() == sizeof position.journal)
    memcpy(static_cast<void*>(&position.journal), journal.data(),
           journal.size());
  if (audit.size() == sizeof position.audit)
    memcpy(static_cast<void*>(&position.audit), audit.data(), audit.size());
  return position.Bytes();
}

}  // namespace metsuke
