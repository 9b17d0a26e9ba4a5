// Who may try what from where: cuts all connections to sshd into the kinds that
// its Match blocks can tell apart, and asks sshd about each kind once.

#ifndef METSUKE_COLLECTORS_SSH_MATRIX_H_
#define METSUKE_COLLECTORS_SSH_MATRIX_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/address_set.h"
#include "collectors/ssh_policy.h"
#include "collectors/sshd_config.h"

namespace metsuke {

// Where sshd takes connections.
struct SshListener {
  std::string name;  // as in the column ssh_access.listener
  // The address of this machine that a client speaks to: what LocalAddress is
  // compared with.
  IpAddress address;
  int port = 22;
  // Where clients may come from: one family, or both.
  AddressSet sources;
  std::string routing_domain;  // empty for none
};

// One connection.
struct SshQuestion {
  std::string user;
  IpAddress source;
  IpAddress address;
  int port = 22;
  std::string routing_domain;
  // The interface of a source in fe80::/10; sshd reads only what exists.
  std::string zone = "lo";
  // What the client is called where that counts (UseDNS); the text of its
  // address when empty.
  std::string host = {};

  // As `sshd -T -C` takes it: "user=…,host=…,addr=…".
  std::string Spec() const;
};

using AskSshd = std::function<absl::StatusOr<SshdSettings>(const SshQuestion&)>;

// What sshd answers to all connections of some kind.
struct SshKind {
  SshPolicy policy;
  // The blocks of SshdFiles that apply.
  std::vector<bool> active;
};

struct SshMatrix {
  // For the connections of an account to a listener from these addresses.
  struct Cell {
    size_t listener, kind;
    AddressSet sources;
  };
  std::vector<SshKind> kinds;
  // One for each account that was asked about. Cells overlap where a pattern
  // cannot be told as networks: each says what holds for some of its sources.
  std::vector<std::vector<Cell>> cells;
  // What could not be cut or was not asked, for people.
  std::vector<std::string> problems;
};

// The matrix of `files` for `accounts` at `listeners`. `general` is what holds
// where no block but "all" applies; about the others `ask` is called, `most`
// times at most. Its first error ends all: an sshd that cannot read its files
// answers nothing.
absl::StatusOr<SshMatrix> MakeSshMatrix(
    const SshdFiles& files, const std::vector<SshAccount>& accounts,
    const std::vector<SshListener>& listeners, const SshdSettings& general,
    const AskSshd& ask, size_t most);

// The line that sets `keyword` for connections to which `active` blocks apply;
// nullptr when none does.
const SshdLine* DecidingLine(const SshdFiles& files,
                             const std::vector<bool>& active,
                             std::string_view keyword);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSH_MATRIX_H_
