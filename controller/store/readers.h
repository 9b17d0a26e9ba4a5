// Connections for those who only read: as many as ever read at once, few of
// them kept.

#ifndef METSUKE_CONTROLLER_STORE_READERS_H_
#define METSUKE_CONTROLLER_STORE_READERS_H_

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/store/sql.h"
#include "proto/status.h"

namespace metsuke {

// For any number of threads.
class Readers {
 public:
  explicit Readers(std::string path) : path_(std::move(path)) {}

  // What `function` returns for a connection, an absl::Status or a StatusOr. It
  // reads in one transaction: all of it is of one moment.
  template <typename Function>
  auto Read(Function&& function)
      -> decltype(function(std::declval<Database&>())) {
    ASSIGN_OR_RETURN(auto database, Borrow());
    RETURN_IF_ERROR(database->Execute("BEGIN"));
    auto result = function(*database);
    const absl::Status end = database->Execute("COMMIT");
    // A connection that could not end its transaction is not used again.
    if (end.ok()) Return(std::move(database));
    return result;
  }

 private:
  absl::StatusOr<std::unique_ptr<Database>> Borrow();
  void Return(std::unique_ptr<Database> database);

  const std::string path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Database>> idle_;  // guarded by mutex_
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_READERS_H_
