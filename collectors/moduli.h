// The file of Diffie-Hellman groups, moduli(5), as sshd reads it (parse_prime
// in dh.c of OpenSSH 9.2 and 10.0): what makes sshd skip a line makes us skip
// it, too.

#ifndef METSUKE_COLLECTORS_MODULI_H_
#define METSUKE_COLLECTORS_MODULI_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace metsuke {

struct Moduli {
  // How many groups there are of each size in bits.
  std::map<uint32_t, uint32_t> groups;
  // Number, from 1, of each line that nobody can have meant so, and what is
  // wrong with it. Lines that are whole but of no use, such as candidates that
  // were never tested, are not among them.
  std::vector<std::pair<int, std::string>> damaged;
};

Moduli ParseModuli(std::string_view text);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_MODULI_H_
