// What is known about the strength of SSH's algorithms: one table, a fact and
// its source on each line, for whatever OpenSSH, dropbear and libssh can offer.
//
// "Broken" means that attacks are within reach or that the standards forbid
// it; "weak" that an attack is known but dear, or that it falls short of what
// is asked today and is being phased out.

#ifndef METSUKE_CONTROLLER_JUDGE_SSH_ALGORITHMS_H_
#define METSUKE_CONTROLLER_JUDGE_SSH_ALGORITHMS_H_

#include <optional>
#include <string_view>

namespace metsuke {

enum class SshKind { kKex, kHostKey, kCipher, kMac, kUserKey };

// "kex", "host_key", "cipher", "mac" or "user_key"; nothing for other words.
std::optional<SshKind> ParseSshKind(std::string_view word);

enum class SshStrength { kBroken, kWeak, kGood, kUnknown };

// "broken", "weak", "good" or "unknown".
std::string_view Word(SshStrength strength);

struct SshVerdict {
  SshStrength strength;
  // Why, for a person, with the year since when it has been known; empty for
  // what is good. Lives as long as the program.
  std::string_view weakness;
};

// Judges the name of an algorithm as it stands in the offers of a server and
// in the configuration of sshd. A host key's algorithm is that of its
// signature. A name that the table does not have is unknown. A name of a
// key's with "*" or "?" is a pattern, and as weak as the weakest that it
// matches.
//
// A user_key is the type of a key, a blank, and its size in bits, as in
// "ssh-rsa 3072"; RSA without a size is unknown. It serves for every key,
// those of hosts as well. The size of the group that
// diffie-hellman-group-exchange chose may stand behind its name likewise.
//
// Cipher and MAC are judged as if the ends kept to strict key exchange; see
// OpenToTerrapin.
SshVerdict JudgeSsh(SshKind kind, std::string_view name);

// Whether somebody in between can cut messages off the start of a session
// that has this cipher and MAC (Terrapin, CVE-2023-48795), unless both ends
// keep to strict key exchange: the server then offers
// kex-strict-s-v00@openssh.com among its key exchanges. sshd -T does not
// print that name.
bool OpenToTerrapin(std::string_view cipher, std::string_view mac);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_SSH_ALGORITHMS_H_
