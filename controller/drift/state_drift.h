// What changed between two states of hosts, table by table.

#ifndef METSUKE_CONTROLLER_DRIFT_STATE_DRIFT_H_
#define METSUKE_CONTROLLER_DRIFT_STATE_DRIFT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/judge/judge.h"
#include "controller/table_digests.h"
#include "proto/snapshot.pb.h"
#include "proto/verdict.pb.h"

namespace metsuke {

// The rows of a table that differ, without the host's name.
using Changes = std::vector<v1::Change>;

// Tables whose digests differ, or that only one of the states has, in
// alphabetical order.
std::vector<std::string> DifferingTables(const TableDigests& before,
                                         const TableDigests& after);

// For one thread at a time.
class TableDrift {
 public:
  explicit TableDrift(BodySource bodies) : bodies_(std::move(bodies)) {}

  // How the table differs between the states in what the agents of both speak
  // of. Many hosts change alike, so what was found last is kept; good until the
  // next call.
  absl::StatusOr<const Changes*> Between(const std::string& table,
                                         const TableDigests& before,
                                         const TableDigests& after);

 private:
  absl::StatusOr<std::string> BodyOf(const std::string& digest) const;
  absl::StatusOr<uint32_t> Columns(const std::string& table,
                                   const TableDigests& before,
                                   const TableDigests& after);
  absl::Status ReadCollections(const std::string& digest);

  const BodySource bodies_;
  // By the digests of both and the columns that were compared.
  std::map<std::string, Changes> known_;
  // Tables `collections`, by their digests.
  std::map<std::string, v1::Snapshot> collections_;
  size_t kept_ = 0;  // changes in known_
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DRIFT_STATE_DRIFT_H_
