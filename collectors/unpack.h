// What compressed files hold.

#ifndef METSUKE_COLLECTORS_UNPACK_H_
#define METSUKE_COLLECTORS_UNPACK_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collectors/host.h"

namespace metsuke {

// Whether the name ends as that of a compressed file does.
bool IsPacked(std::string_view name);

// OK when the name is that of a file compressed by gzip, xz, bzip2 or zstd,
// Unimplemented for others.
absl::Status CheckPacking(const std::string& path);

// The beginning of what a file of one of those names holds, at most `most`
// bytes, from the beginning of the file; less when it is torn. `name` says
// which it is. ResourceExhausted when that takes more memory than is allowed.
absl::StatusOr<std::string> Unpack(const std::string& name,
                                   std::string_view bytes, size_t most);

// The same of a file of a host, of which no more is read than that takes.
// Unimplemented when it is compressed in another way.
absl::StatusOr<std::string> UnpackHead(const Host& host,
                                       const std::string& path, size_t most);

// Calls `take` with what a compressed file holds, in its order, block by block,
// and takes the bytes off `left`. ResourceExhausted when it holds more, or is
// itself longer, and nothing is left then, or when it takes more memory than is
// allowed; DataLoss when it ends before what it holds does,
// InvalidArgument where it is none of its format, Unimplemented when it is
// compressed in another way; DeadlineExceeded when it is not done at `until`.
// Takes the same memory for any file.
absl::Status UnpackBlocks(const Host& host, const std::string& path,
                          size_t& left,
                          const std::function<void(std::string_view)>& take,
                          std::chrono::steady_clock::time_point until =
                              std::chrono::steady_clock::time_point::max());

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_UNPACK_H_
