// Compressed files read from end to end, block by block.

#ifndef METSUKE_COLLECTORS_UNPACK_H_
#define METSUKE_COLLECTORS_UNPACK_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "collectors/host.h"

namespace metsuke {

// Calls `take` with what a .gz or .zst file holds, in its order, down to where
// it may be torn, and takes the bytes off `left`. ResourceExhausted when it
// holds more, or is itself longer. Takes the same memory for any file.
// Unimplemented when it is compressed in another way, InvalidArgument when it is
// none of its format.
absl::Status UnpackBlocks(
    const Host& host, const std::string& path, size_t& left,
    const std::function<void(std::string_view)>& take);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_UNPACK_H_
