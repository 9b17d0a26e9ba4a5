// What compressed files hold.

#ifndef METSUKE_COLLECTORS_UNPACK_H_
#define METSUKE_COLLECTORS_UNPACK_H_

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

// OK when the name is that of a file compressed by gzip or zstd, Unimplemented
// for others.
absl::Status CheckPacking(const std::string& path);

// The beginning of what a .gz or .zst file holds, at most `most` bytes, from
// the beginning of the file; less when it is torn. `name` says which it is.
std::string Unpack(std::string_view name, std::string_view bytes, size_t most);

// All that a compressed file holds, if that is `most` bytes at most; of itself,
// 64 MiB are read. ResourceExhausted when there is more of either,
// Unimplemented when it is compressed in another way.
absl::StatusOr<std::string> UnpackWhole(const Host& host,
                                        const std::string& path, size_t most);

// Calls `take` with what a .gz or .zst file holds, in its order, block by
// block, down to where it may be torn, and takes the bytes off `left`.
// ResourceExhausted when it holds more, or is itself longer. Takes the same
// memory for any file. Unimplemented when it is compressed in another way,
// InvalidArgument when it is none of its format.
absl::Status UnpackBlocks(const Host& host, const std::string& path,
                          size_t& left,
                          const std::function<void(std::string_view)>& take);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_UNPACK_H_
