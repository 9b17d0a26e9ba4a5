// The names that a template of pages uses.

#ifndef METSUKE_CONTROLLER_PAGE_TEMPLATE_TAGS_H_
#define METSUKE_CONTROLLER_PAGE_TEMPLATE_TAGS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace metsuke {

// Something in double braces.
struct TemplateTag {
  std::string name;
  int line = 0;  // counts from 1
};

// The tags of the template that name a value, in their order. InvalidArgument,
// "LINE: what is wrong", for one that is not closed or closes what is not open,
// for sections deeper than 32 and for tags that no template here needs: a
// partial would make a template of what a host said, and other braces would
// hide what stands in them.
absl::StatusOr<std::vector<TemplateTag>> TemplateTags(std::string_view text);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PAGE_TEMPLATE_TAGS_H_
