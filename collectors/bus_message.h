// Reading the messages of a bus (sd_bus_message_read(3)).

#ifndef METSUKE_COLLECTORS_BUS_MESSAGE_H_
#define METSUKE_COLLECTORS_BUS_MESSAGE_H_

#include <systemd/sd-bus.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "proto/status.h"

namespace metsuke {

// How long a bus may take to answer.
inline constexpr auto kBusPatience = std::chrono::seconds(5);

// What sd-bus means by `error`, a negative errno, while it did `what`.
absl::Status BusFailure(int error, std::string_view what);

inline std::string BusText(const char* text) {
  return text == nullptr ? "" : text;
}

// Reads each element of an array of structures by `read`, which returns what
// sd_bus_message_read of one structure returns.
template <typename Read>
absl::Status ForEachElement(sd_bus_message* message, const char* element, Read read) {
  int result = sd_bus_message_enter_container(message, 'a', element);
  while (result > 0) result = read();
  if (result < 0) return BusFailure(result, "the answer");
  result = sd_bus_message_exit_container(message);
  return result < 0 ? BusFailure(result, "the answer") : absl::OkStatus();
}

// Reads a list of strings.
inline absl::Status ReadStringList(sd_bus_message* m, std::vector<std::string>& strings) {
  return ForEachElement(m, "s", [&] {
    const char* text;
    const int r = sd_bus_message_read(m, "s", &text);
    if (r > 0) strings.push_back(BusText(text));
    return r;
  });
}

// Reads a property by `read`, as far as the bus goes.
template <typename Read>
absl::Status InVariant(sd_bus_message* m, const char* type, Read read) {
  const int entered = sd_bus_message_enter_container(m, 'v', type);
  if (entered < 0) return BusFailure(entered, "the answer");
  RETURN_IF_ERROR(read());
  const int left = sd_bus_message_exit_container(m);
  return left < 0 ? BusFailure(left, "the answer") : absl::OkStatus();
}

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_BUS_MESSAGE_H_
