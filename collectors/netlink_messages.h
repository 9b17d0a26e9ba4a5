// Netlink messages (netlink(7)) as Host::Netlink takes and returns them.

#ifndef METSUKE_COLLECTORS_NETLINK_MESSAGES_H_
#define METSUKE_COLLECTORS_NETLINK_MESSAGES_H_

#include <libmnl/libmnl.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace metsuke {

// A request of `type` for a dump, whose family header is `header`.
template <typename Header>
std::string DumpRequest(uint16_t type, const Header& header) {
  nlmsghdr message = {};
  message.nlmsg_len = NLMSG_LENGTH(sizeof(header));
  message.nlmsg_type = type;
  message.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  std::string request(NLMSG_SPACE(sizeof(header)), '\0');
  std::memcpy(request.data(), &message, sizeof(message));
  std::memcpy(request.data() + NLMSG_HDRLEN, &header, sizeof(header));
  return request;
}

// Calls `take(header, message)` for each message of `type` in `replies` that
// is long enough for its family header; a message that claims to be longer
// than `replies` ends the walk.
template <typename Header, typename Take>
void ForEachMessage(const std::string& replies, uint16_t type, Take take) {
  auto* message = reinterpret_cast<const nlmsghdr*>(replies.data());
  int left = static_cast<int>(replies.size());
  // libmnl takes the length as signed: beyond 2 GiB it would pass its check.
  for (; mnl_nlmsg_ok(message, left) &&
         message->nlmsg_len <= static_cast<uint32_t>(left);
       message = mnl_nlmsg_next(message, &left)) {
    if (message->nlmsg_type != type ||
        mnl_nlmsg_get_payload_len(message) < sizeof(Header)) {
      continue;
    }
    take(*static_cast<const Header*>(mnl_nlmsg_get_payload(message)), message);
  }
}

// Calls `take(type, payload)` for each attribute that stands behind the family
// header of `message`; one that claims to be longer than the message ends the
// walk.
template <typename Header, typename Take>
void ForEachAttribute(const nlmsghdr* message, Take take) {
  auto* attribute = static_cast<const nlattr*>(
      mnl_nlmsg_get_payload_offset(message, sizeof(Header)));
  auto* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(message));
  while (mnl_attr_ok(attribute, static_cast<int>(
                                    end - reinterpret_cast<const char*>(
                                              attribute)))) {
    take(mnl_attr_get_type(attribute),
         std::string_view(
             static_cast<const char*>(mnl_attr_get_payload(attribute)),
             mnl_attr_get_payload_len(attribute)));
    attribute = mnl_attr_next(attribute);
  }
}

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_NETLINK_MESSAGES_H_
