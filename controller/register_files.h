// The files in which operators write registers.

#ifndef METSUKE_CONTROLLER_REGISTER_FILES_H_
#define METSUKE_CONTROLLER_REGISTER_FILES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/operator.pb.h"
#include "proto/register.pb.h"
#include "proto/text.h"

namespace metsuke {

// Registers as they are given, and where.
struct GivenRegisters {
  v1::Registers rows;
  // Registers that were named, those without a row among them.
  std::set<std::string> named;

  // "FILE:LINE:COLUMN: " of a key of a row, of the row where the key is not
  // written; empty when it came from no file.
  std::string Place(const std::string& name, int row,
                    const std::string& key) const;

  struct RowPlace {
    int file = 0;
    std::string item;  // as in YamlPlaces
  };
  // Of each row, in the order of `rows`.
  std::map<std::string, std::vector<RowPlace>> places;
  std::vector<std::pair<std::string, YamlPlaces>> files;
};

// Reads the files; registers that several of them name are put together. The
// error is InvalidArgument and tells all that is wrong at once, a line each:
// "FILE:LINE:COLUMN: what is wrong".
absl::StatusOr<GivenRegisters> ReadRegisterFiles(
    const std::vector<v1::BaselineFile>& files);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REGISTER_FILES_H_
