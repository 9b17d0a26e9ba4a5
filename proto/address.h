// "host:port" and "[v6]:port", and what getaddrinfo(3) makes of them.

#ifndef METSUKE_PROTO_ADDRESS_H_
#define METSUKE_PROTO_ADDRESS_H_

#include <netdb.h>
#include <sys/socket.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace metsuke {

struct AddressListFree {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, AddressListFree>;

// The TCP addresses behind `address`. With `to_listen` its host must be
// numeric, for a listener must not depend on the name service. InvalidArgument
// when it has not the form "host:port"; Unavailable when the name is not known.
absl::StatusOr<AddressList> Resolve(const std::string& address, bool to_listen);

// A socket that listens on `address`. The error names the address.
absl::StatusOr<int> ListenTcp(const std::string& address);

// The numeric address of the other side of `fd` without its port, an IPv4
// address in IPv6 clothes as IPv4; "unknown" when it cannot be told.
std::string PeerAddress(int fd);

// The IP address of "ipv4:192.0.2.7:7443" or "ipv6:%5B2001:db8::7%5D:7443", as
// grpc::ServerContext::peer() writes it; empty for anything else. The zone of
// an address of the link is left out: it is the number of an interface here.
std::string GrpcPeerAddress(const std::string& peer);

// The port that the listening socket `fd` got; 0 when it cannot be told.
int ListeningPort(int fd);

}  // namespace metsuke

#endif  // METSUKE_PROTO_ADDRESS_H_
