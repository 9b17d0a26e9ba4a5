// Clients to ask sshd about where Match patterns cannot be told as networks:
// for each of them one that matches and one that does not, as far as they are
// found.

#ifndef METSUKE_COLLECTORS_SSH_EXAMPLES_H_
#define METSUKE_COLLECTORS_SSH_EXAMPLES_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "collectors/address_set.h"
#include "collectors/sshd_config.h"

namespace metsuke {

class SshExamples {
 public:
  // `files` must outlive it. With `use_dns` clients have names of their own.
  SshExamples(const SshdFiles& files, bool use_dns)
      : files_(files), use_dns_(use_dns) {}

  struct Client {
    IpAddress address;
    std::string zone, host;  // as in SshQuestion
    // Of the blocks that were asked about, those it matches.
    std::vector<bool> blocks;
  };

  // Clients from `within`, which is not empty, that differ in which of
  // `blocks` they match; one when there are none. `all` are the blocks of which
  // it depends on the address in `within`; the others of `blocks` are not
  // looked at. The same each time it is asked.
  std::vector<Client> Of(const AddressSet& within, const std::vector<bool>& all,
                         const std::vector<bool>& blocks);

 private:
  bool Matches(const SshdBlock& block, const std::string& address,
               const std::string& host);
  std::vector<Client> Find(const AddressSet& within,
                           const std::vector<bool>& blocks);

  const SshdFiles& files_;
  const bool use_dns_;
  // By the first and the last address.
  std::map<std::pair<IpAddress, IpAddress>, std::vector<Client>> known_;
  // Comparisons that are left.
  int64_t budget_ = 2'000'000;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSH_EXAMPLES_H_
