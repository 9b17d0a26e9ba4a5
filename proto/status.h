// The one error type of the project is absl::Status. These two macros pass it
// upwards; they behave like the macros of the same name in Abseil releases
// from 2026 on and can be deleted when the oldest supported Abseil has them.

#ifndef METSUKE_PROTO_STATUS_H_
#define METSUKE_PROTO_STATUS_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define RETURN_IF_ERROR(expr)                                         \
  do {                                                                \
    if (absl::Status status_ = (expr); !status_.ok()) return status_; \
  } while (false)

#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL_(METSUKE_CONCAT_(result_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_IMPL_(result, lhs, expr) \
  auto result = (expr);                           \
  if (!result.ok()) return result.status();       \
  lhs = *std::move(result)
#define METSUKE_CONCAT_(a, b) METSUKE_CONCAT_IMPL_(a, b)
#define METSUKE_CONCAT_IMPL_(a, b) a##b

namespace metsuke {

// The message of `status` as the string type of the house: Debian's Abseil has
// a string_view of its own that std::string_view does not convert to.
inline std::string Message(const absl::Status& status) {
  return std::string(status.message());
}

// The canonical code in lower case, such as "permission_denied"; "ok".
std::string CodeName(absl::StatusCode code);

// `status` with `where` and a colon before its message.
absl::Status Annotate(const absl::Status& status, const std::string& where);

}  // namespace metsuke

#endif  // METSUKE_PROTO_STATUS_H_
