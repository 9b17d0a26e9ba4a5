// What a host's collectors say of their own sight: the tables `collections`
// and `gaps`. No verdict rests on a table that was not seen.

#ifndef METSUKE_CONTROLLER_JUDGE_SIGHT_H_
#define METSUKE_CONTROLLER_JUDGE_SIGHT_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/table_digests.h"
#include "proto/host_text.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// Where collectors say what they could not see.
inline constexpr const char* kSightTables[] = {"collections", "gaps",
                                               "gaps_outside"};

class Sight {
 public:
  // Of a host whose kSightTables are those of `snapshot`, of which the other
  // tables are not looked at. Of tables that the controller fills no collector
  // speaks, nor of registers: they were seen if they are among `tables`.
  Sight(const v1::Snapshot& snapshot, const Digests& tables);

  // Of a host on which every collector did its work, as in examples.
  static Sight Clear();

  // Why the rows of `table` cannot be relied on; nothing when they can. A
  // table the host has nothing for is seen: it is empty, and that is true.
  std::optional<HostText> Unseen(const std::string& table) const;

  // What was not seen of `table` although the rows that are there can be
  // relied on: rows, or values of these columns. Nothing when all was seen.
  std::optional<HostText> Gap(const std::string& table,
                              const std::set<std::string>& columns) const;

  // Why nothing is known of these columns of `table` in any row, in which they
  // are empty; nothing when it is.
  std::optional<HostText> Missing(const std::string& table,
                                  const std::set<std::string>& columns) const;

  // Why the host has nothing for `table`; nothing when it has.
  std::optional<HostText> Absent(const std::string& table) const;

  // At most 32 bytes that differ when an answer above differs.
  std::string Digest(const std::string& table,
                     const std::set<std::string>& columns) const;

 private:
  Sight() = default;
  const v1::Collection* Find(const std::string& table) const;

  v1::Snapshot snapshot_;
  std::vector<v1::Gap> missing_;
  bool clear_ = false;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_SIGHT_H_
