// Small files that a program owns: keys, certificates, configuration, tokens.
// What a host keeps for others is read through Host of collectors/host.h.

#ifndef METSUKE_PROTO_FILE_H_
#define METSUKE_PROTO_FILE_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace metsuke {

// The bytes of the regular file `path`; "-" is standard input. Errors name the
// file: NotFound, PermissionDenied, FailedPrecondition when it is no regular
// file, ResourceExhausted when it holds more than a mebibyte.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Puts `bytes` into `path`, as a whole or not at all, also when the machine
// loses power: a temporary file beside it, fsync, rename, fsync of the folder.
// The file has exactly the permission bits `mode` from its first moment.
absl::Status WriteFile(const std::string& path, std::string_view bytes,
                       mode_t mode);

}  // namespace metsuke

#endif  // METSUKE_PROTO_FILE_H_
