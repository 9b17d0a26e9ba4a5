#include "collectors/interfaces.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>

#include <set>

#include "collectors/collector.h"
#include "collectors/netlink_messages.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

// What a tunnel has for a hardware address is the IP address of its end.
bool HasHardware(uint16_t type) {
  switch (type) {
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
    case ARPHRD_IPGRE:
    case ARPHRD_IP6GRE:
    case ARPHRD_LOOPBACK:
      return false;
    default:
      return true;
  }
}

std::string Colons(std::string_view bytes) {
  std::string text;
  for (const unsigned char byte : bytes) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : ":", byte);
  }
  return text;
}

// Scopes are numbers that grow as the reach shrinks; an administrator may have
// named others between these (rt_scopes), which then reach as far as the next
// wider one here.
std::string_view ScopeName(uint8_t scope) {
  if (scope < RT_SCOPE_SITE) return "global";
  if (scope < RT_SCOPE_LINK) return "site";
  if (scope < RT_SCOPE_HOST) return "link";
  return "host";
}

std::string AddressText(int family, std::string_view bytes) {
  char text[INET6_ADDRSTRLEN];
  if (bytes.size() != (family == AF_INET ? 4u : 16u)) return "";
  const char* end = inet_ntop(family, bytes.data(), text, sizeof(text));
  return end == nullptr ? "" : end;
}

v1::Interface Row(const Link& link) {
  v1::Interface row;
  row.set_name(link.name);
  row.set_mac(link.mac);
  row.set_up(link.up);
  row.set_family("none");
  row.set_scope("none");
  return row;
}

absl::Status AddAddresses(const Host& host, const char* name, uint8_t family,
                          const std::map<uint32_t, Link>& links,
                          std::vector<v1::Interface>& rows) {
  ifaddrmsg header = {};
  header.ifa_family = family;
  ASSIGN_OR_RETURN(
      const std::string replies,
      host.Netlink(name, NETLINK_ROUTE, DumpRequest(RTM_GETADDR, header)));
  for (v1::Interface& row : ParseAddresses(replies, family, links)) {
    rows.push_back(std::move(row));
  }
  return absl::OkStatus();
}

}  // namespace

std::map<uint32_t, Link> ParseLinks(const std::string& replies) {
  std::map<uint32_t, Link> links;
  ForEachMessage<ifinfomsg>(
      replies, RTM_NEWLINK,
      [&](const ifinfomsg& header, const nlmsghdr* message) {
        Link& link = links[header.ifi_index];
        link.up = header.ifi_flags & IFF_UP;
        ForEachAttribute<ifinfomsg>(
            message, [&](uint16_t type, std::string_view payload) {
              if (type == IFLA_IFNAME) {
                link.name = ToUtf8(payload.substr(0, payload.find('\0')));
              }
              if (type == IFLA_ADDRESS && HasHardware(header.ifi_type)) {
                link.mac = Colons(payload);
              }
            });
      });
  return links;
}

std::vector<v1::Interface> ParseAddresses(
    const std::string& replies, int family,
    const std::map<uint32_t, Link>& links) {
  std::vector<v1::Interface> rows;
  ForEachMessage<ifaddrmsg>(
      replies, RTM_NEWADDR,
      [&](const ifaddrmsg& header, const nlmsghdr* message) {
        // A kernel without the family that was asked for answers with those
        // it has (rtnl_dump_all in net/core/rtnetlink.c).
        if (header.ifa_family != family) return;
        // IFA_ADDRESS is the other end on a point-to-point interface, and
        // IFA_LOCAL, when there is one, always our own.
        std::string address, local;
        ForEachAttribute<ifaddrmsg>(
            message, [&](uint16_t type, std::string_view payload) {
              if (type == IFA_ADDRESS) address = AddressText(family, payload);
              if (type == IFA_LOCAL) local = AddressText(family, payload);
            });
        if (!local.empty()) address = local;
        const auto link = links.find(header.ifa_index);
        if (address.empty() || link == links.end()) return;
        v1::Interface row = Row(link->second);
        row.set_address(fmt::format("{}/{}", address, header.ifa_prefixlen));
        row.set_family(family == AF_INET ? "ipv4" : "ipv6");
        row.set_scope(std::string(ScopeName(header.ifa_scope)));
        rows.push_back(std::move(row));
      });
  return rows;
}

absl::StatusOr<std::map<uint32_t, Link>> ReadLinks(const Host& host) {
  const ifinfomsg header = {};
  ASSIGN_OR_RETURN(
      const std::string replies,
      host.Netlink("link", NETLINK_ROUTE, DumpRequest(RTM_GETLINK, header)));
  return ParseLinks(replies);
}

absl::Status CollectInterfaces(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const auto links, ReadLinks(host));
  std::vector<v1::Interface> rows;
  RETURN_IF_ERROR(AddAddresses(host, "addr4", AF_INET, links, rows));
  RETURN_IF_ERROR(AddAddresses(host, "addr6", AF_INET6, links, rows));
  std::set<std::string> named;
  for (v1::Interface& row : rows) {
    named.insert(row.name());
    *snapshot.add_interfaces() = std::move(row);
  }
  for (const auto& [number, link] : links) {
    if (!named.contains(link.name)) *snapshot.add_interfaces() = Row(link);
  }
  return absl::OkStatus();
}

}  // namespace metsuke
