// What the owners of files are called.

#ifndef METSUKE_COLLECTORS_FILE_OWNERS_H_
#define METSUKE_COLLECTORS_FILE_OWNERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "collectors/host.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

class FileOwners {
 public:
  // Reads the names of accounts and groups; a gap of `table` when they cannot
  // be read.
  FileOwners(const Host& host, std::string_view table, v1::Snapshot& snapshot);

  // The name of the account or group with this number; of several the first,
  // as ls(1) has it, and the number when there is none.
  std::string User(uint32_t number) const;
  std::string Group(uint32_t number) const;

 private:
  std::map<uint32_t, std::string> users_, groups_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_FILE_OWNERS_H_
