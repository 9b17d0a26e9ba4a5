// What package managers have installed, read from their own text.

#ifndef METSUKE_COLLECTORS_PACKAGES_H_
#define METSUKE_COLLECTORS_PACKAGES_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// Packages by name and architecture.
using DpkgPackages = std::map<std::pair<std::string, std::string>, v1::Package>;

// Adds to `packages` what the dpkg status file `text` says is on the disk, and
// takes out of it what `text` says is not, so that dpkg's journal can be read
// over the file. Returns how many paragraphs could not be read as a package.
int ParseDpkgStatus(std::string_view text, DpkgPackages& packages);

// The format in which rpm is asked for its packages, one a line.
inline constexpr char kRpmFormat[] =
    "%{NAME}\\t%{ARCH}\\t%{EVR}\\t%{SOURCERPM}\\n";

// The packages that rpm listed in kRpmFormat; InvalidArgument for a line of
// another form. Imported keys, which rpm lists as packages, are left out.
absl::StatusOr<std::vector<v1::Package>> ParseRpmList(std::string_view text);

// The database of rpm with the files that change when it does; empty when the
// host has none. Asking rpm without one would make it write one.
std::vector<std::string> RpmDatabase(const Host& host);

// What rpm says it has installed; NotFound without rpm or its database.
absl::StatusOr<std::vector<v1::Package>> ListRpms(const Host& host);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_PACKAGES_H_
