// How messages are written where people read and write them: in YAML files.

#ifndef METSUKE_PROTO_TEXT_H_
#define METSUKE_PROTO_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace metsuke {

// The value SEVERITY_HIGH of the enum Severity is "high" to people.
std::string EnumText(const google::protobuf::EnumValueDescriptor* value);

// Fills `message` from the YAML text of the file called `name`. Keys are the
// names of fields; an unknown key, a key written twice, a value of the wrong
// type, a value that the column's `values` option does not list, a tag, an
// anchor or an alias is an error. The error is InvalidArgument and begins with
// "NAME:LINE:COLUMN: "; a key or value that is almost right is followed by
// "did you mean …?".
absl::Status ReadYaml(const std::string& name, const std::string& yaml,
                      google::protobuf::Message& message);

// The member of `candidates` that `word` was probably meant to be; empty when
// none is near.
std::string Nearest(std::string_view word,
                    const std::vector<std::string>& candidates);

}  // namespace metsuke

#endif  // METSUKE_PROTO_TEXT_H_
