// What readers of configuration tell of what they could not understand.

#ifndef METSUKE_TESTS_UNIT_TROUBLES_H_
#define METSUKE_TESTS_UNIT_TROUBLES_H_

#include <string>
#include <vector>

namespace metsuke {

// "WHERE: WHY" of each, in the order of the reader.
template <typename Reader>
std::vector<std::string> TroublesOf(const Reader& reader) {
  std::vector<std::string> lines;
  for (const auto& trouble : reader.troubles())
    lines.push_back(trouble.where + ": " + trouble.why);
  return lines;
}

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_TROUBLES_H_
