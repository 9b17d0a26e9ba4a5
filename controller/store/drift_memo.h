// What hosts that changed alike have to tell: found out once.

#ifndef METSUKE_CONTROLLER_STORE_DRIFT_MEMO_H_
#define METSUKE_CONTROLLER_STORE_DRIFT_MEMO_H_

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "controller/table_digests.h"
#include "proto/event.pb.h"

namespace metsuke {

// For the writing thread alone.
class DriftMemo {
 public:
  // What decides about the events of a table: its two digests, and those of the
  // tables that say how far it could be seen.
  static std::string KeyOf(const std::string& table, const TableDigests& before,
                           const TableDigests& after);

  // Null when it is not known; good until Keep.
  const std::vector<v1::Event>* Find(const std::string& key) const;

  // Forgets the oldest when there are too many.
  void Keep(const std::string& key, std::vector<v1::Event> events);

 private:
  std::map<std::string, std::vector<v1::Event>> known_;
  std::deque<std::string> order_;
  size_t events_ = 0;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_DRIFT_MEMO_H_
