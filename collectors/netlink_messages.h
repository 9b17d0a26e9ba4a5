// Netlink messages (netlink(7)) as Host::Netlink takes and returns them.

#ifndef METSUKE_COLLECTORS_NETLINK_MESSAGES_H_
#define METSUKE_COLLECTORS_NETLINK_MESSAGES_H_

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

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
  // Signed, because the macros take the padding off, too, which may be missing
  // at the end; and wider than any length that a message can claim.
  auto left = static_cast<int64_t>(replies.size());
  for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
    if (message->nlmsg_type != type ||
        message->nlmsg_len < NLMSG_LENGTH(sizeof(Header))) {
      continue;
    }
    take(*static_cast<const Header*>(NLMSG_DATA(message)), message);
  }
}

// Calls `take(type, payload)` for each attribute that stands behind the family
// header of `message`; one that claims to be longer than the message ends the
// walk.
template <typename Header, typename Take>
void ForEachAttribute(const nlmsghdr* message, Take take) {
  auto* attribute = reinterpret_cast<const rtattr*>(
      reinterpret_cast<const char*>(message) + NLMSG_SPACE(sizeof(Header)));
  auto left = int64_t{message->nlmsg_len} -
              static_cast<int64_t>(NLMSG_SPACE(sizeof(Header)));
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    // Above the type stand flags: nested, and in the order of the network.
    take(static_cast<uint16_t>(attribute->rta_type & NLA_TYPE_MASK),
         std::string_view(static_cast<const char*>(RTA_DATA(attribute)),
                          RTA_PAYLOAD(attribute)));
  }
}

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_NETLINK_MESSAGES_H_
