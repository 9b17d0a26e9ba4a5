// How messages are written where people read and write them: in YAML files.

#ifndef METSUKE_PROTO_TEXT_H_
#define METSUKE_PROTO_TEXT_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace metsuke {

// The value SEVERITY_HIGH of the enum Severity is "high" to people.
std::string EnumText(const google::protobuf::EnumValueDescriptor* value);

// Names of the message's fields as they are written, in their order: those of a
// field that is `inlined` in its place.
std::vector<std::string> FieldNames(
    const google::protobuf::Descriptor* type);

// Where something stands in a file; both count from 1.
struct YamlPlace {
  int line = 0;
  int column = 0;
};

// Places by path: "controls[2]" is where the third item begins and
// "controls[2].violations" where that value does. Deeper ones are left out.
using YamlPlaces = std::map<std::string, YamlPlace>;

// Fills `message` from the YAML text of the file called `name`. Keys are the
// names of fields, and those of a field that is `inlined` stand beside them; an
// unknown key, a key written twice, a value of the wrong
// type, a value that the column's `values` option does not list, a tag, an
// anchor or an alias is an error, and so are more than 4 MiB, 200,000 values
// or 32 levels. An instant may be written as seconds, as "2026-01-31" or as
// "2026-01-31T12:00:00Z". The error is InvalidArgument; each of its lines, at
// most 20, begins with "NAME:LINE:COLUMN: ", and a key or value that is almost
// right is followed by "did you mean …?". After an error `message` holds
// nothing that can be relied on. `places` may be null.
absl::Status ReadYaml(const std::string& name, const std::string& yaml,
                      google::protobuf::Message& message,
                      YamlPlaces* places = nullptr);

// `message` as YAML that ReadYaml takes back: every field in the order of their
// numbers, also those that were never set unless there is no way to write so.
std::string WriteYaml(const google::protobuf::Message& message);

// The member of `candidates` that `word` was probably meant to be; empty when
// none is near.
std::string Nearest(std::string_view word,
                    const std::vector<std::string>& candidates);

// "; did you mean NEAREST?" or nothing, to end an error with.
std::string DidYouMean(std::string_view word,
                       const std::vector<std::string>& candidates);

}  // namespace metsuke

#endif  // METSUKE_PROTO_TEXT_H_
