// The version of this build.

#ifndef METSUKE_PROTO_VERSION_H_
#define METSUKE_PROTO_VERSION_H_

namespace metsuke {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace metsuke

#endif  // METSUKE_PROTO_VERSION_H_
