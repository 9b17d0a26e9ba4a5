// A YAML document as plain values with their places. Only what the product's
// files need is let through, so that every reader of a file sees one meaning:
// no tags, no anchors, no aliases, one document, bounded in every direction.

#ifndef METSUKE_PROTO_YAML_TREE_H_
#define METSUKE_PROTO_YAML_TREE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/text.h"

namespace metsuke {

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  YamlPlace place;
  // Text of a scalar.
  std::string text;
  // Whether the scalar stood in quotes or in a block, so that it is text
  // whatever it looks like.
  bool quoted = false;
  // Items of a list; keys and values of a map in turn.
  std::vector<YamlNode> children;
};

// Whether the file called `name` holds UTF-8, as all text must that goes into a
// message. The error is InvalidArgument, begins with "NAME:LINE:COLUMN: " and
// says how to mend it.
absl::Status CheckUtf8(const std::string& name, std::string_view text);

// The document in `yaml`; kNull for an empty one. The error is InvalidArgument
// and begins with "NAME:LINE:COLUMN: ".
absl::StatusOr<YamlNode> ParseYaml(const std::string& name,
                                   const std::string& yaml);

}  // namespace metsuke

#endif  // METSUKE_PROTO_YAML_TREE_H_
