// Which installed package a file belongs to.

#ifndef METSUKE_COLLECTORS_OWNERS_H_
#define METSUKE_COLLECTORS_OWNERS_H_

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "collectors/host.h"

namespace metsuke {

// The packages that own `paths`, by path; a path that none owns is left out, as
// are home folders, temporary ones and /usr/local, where packages put nothing.
// An error when the package manager has no database or cannot be asked.
absl::StatusOr<std::map<std::string, std::string>> FindOwners(
    const Host& host, std::set<std::string> paths);

// Whether `list`, paths one a line, has the line `path`.
bool HasLine(std::string_view list, std::string_view path);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_OWNERS_H_
