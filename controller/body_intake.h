// The bodies an agent sends for one record: their parts are put together and
// checked. What still comes for a record that was refused meanwhile is let
// pass, as the agent could not know.

#ifndef METSUKE_CONTROLLER_BODY_INTAKE_H_
#define METSUKE_CONTROLLER_BODY_INTAKE_H_

#include <map>
#include <optional>
#include <set>
#include <string>

#include "controller/store/store.h"
#include "proto/sync.pb.h"

namespace metsuke {

// Bytes of compressed bodies that one stream may make the controller hold.
inline constexpr size_t kMaxHeldBytes = 16 << 20;

class BodyIntake {
 public:
  // Waits for the body of `table` with this digest.
  void Want(const std::string& digest, const std::string& table) {
    wanted_[digest] = table;
  }

  // What came of a part.
  struct Result {
    // The body, when it was the last part; it has been checked.
    std::optional<TableBody> body;
    // Why the record cannot be stored; empty when it can. Drop comes next.
    std::string fault;
    // Nobody asked for it; told once for a body.
    bool unasked = false;
  };
  Result Take(const v1::Body& part);

  // Whether all that was wanted has come.
  bool complete() const { return wanted_.empty(); }

  // Wants and holds nothing any more.
  void Drop();

  // Bytes of compressed bodies that came since Drop.
  size_t held_bytes() const { return held_bytes_; }

 private:
  bool Skip(const v1::Body& part, Result& result);
  std::string Add(const v1::Body& part);

  std::map<std::string, std::string> wanted_;  // table by digest
  std::optional<TableBody> part_;  // the body whose parts are coming
  // Digests of bodies that may still come for a record that was refused.
  std::set<std::string> unwanted_;
  std::string skipped_;  // digest of the body whose parts are not taken
  size_t held_bytes_ = 0;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_BODY_INTAKE_H_
