// Text that came from a host. Whoever holds the host chose every byte of it:
// terminal escapes, newlines, markup, formulas. So it has a type of its own
// that nothing prints, formats or concatenates; it leaves only through the
// encoders of proto/encode.h, one for each place it may go to.

#ifndef METSUKE_PROTO_HOST_TEXT_H_
#define METSUKE_PROTO_HOST_TEXT_H_

#include <compare>
#include <string>
#include <string_view>
#include <utility>

namespace metsuke {

class HostText {
 public:
  HostText() = default;
  explicit HostText(std::string bytes) : bytes_(std::move(bytes)) {}
  // A string literal in the program is a slip here, not host text.
  explicit HostText(const char*) = delete;

  // The bytes, to be parsed, compared, stored or sent; never to be shown.
  const std::string& raw() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }

  auto operator<=>(const HostText&) const = default;

 private:
  std::string bytes_;
};

}  // namespace metsuke

#endif  // METSUKE_PROTO_HOST_TEXT_H_
