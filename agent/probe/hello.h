// What an SSH server says before anything is secret: how it names itself and
// what it offers to agree on (RFC 4253, 4.2 and 7.1).

#ifndef METSUKE_AGENT_PROBE_HELLO_H_
#define METSUKE_AGENT_PROBE_HELLO_H_

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace metsuke {

using NameList = std::vector<std::string>;

struct ServerHello {
  // The identification line without its end, "SSH-2.0-OpenSSH_9.2p1 Debian-2".
  std::string software;
  // Whether SSH_MSG_KEXINIT has come; without it the lists are empty.
  bool complete = false;
  // Why this is not how an SSH 2 server begins; empty when it is or may be.
  std::string wrong;
  NameList kex, host_keys;
  // To the server, to the client.
  std::array<NameList, 2> ciphers, macs, compressions;
};

// The hello at the beginning of `bytes`, all that a server has sent so far or a
// part of it.
ServerHello ParseHello(std::string_view bytes);

}  // namespace metsuke

#endif  // METSUKE_AGENT_PROBE_HELLO_H_
