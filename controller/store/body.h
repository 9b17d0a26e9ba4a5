// Bodies of tables, compressed by zstd (RFC 8878) on the wire and in the store.

#ifndef METSUKE_CONTROLLER_STORE_BODY_H_
#define METSUKE_CONTROLLER_STORE_BODY_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/store/store.h"

namespace metsuke {

// The largest table, in canonical bytes, that is taken from a host.
inline constexpr size_t kMaxBodyBytes = 64 << 20;

// The body of `table` with these canonical bytes.
TableBody MakeBody(const std::string& table, std::string_view canonical);

// The bytes, compressed.
std::string Compress(std::string_view bytes);

// The `size` bytes that `zstd` holds. DataLoss when it is no zstd or holds
// more or less; never allocates more than `size`.
absl::StatusOr<std::string> Decompress(std::string_view zstd, size_t size);

// Whether `body` is what it says: it decompresses to `size` bytes, these have
// the digest, and they are a Snapshot in which nothing but the table is set.
// InvalidArgument with the reason when not.
absl::Status CheckBody(const TableBody& body);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_BODY_H_
