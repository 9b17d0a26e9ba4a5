// A page's template: HTML with names in double braces (mustache), one file with
// its style and its script.

#ifndef METSUKE_CONTROLLER_PAGE_TEMPLATE_H_
#define METSUKE_CONTROLLER_PAGE_TEMPLATE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "controller/page/value.h"

namespace metsuke {

// For any number of threads.
class PageTemplate {
 public:
  // Ours, page.mustache.
  static const PageTemplate& BuiltIn();

  // That in the file called `name`. It may use the names that ours uses, in
  // sections that are closed; what takes in other templates or changes the
  // braces is refused. InvalidArgument: "NAME:LINE: what is wrong".
  static absl::StatusOr<PageTemplate> Parse(const std::string& name,
                                            const std::string& text);

  // That in this file; the errors of ReadFile and Parse.
  static absl::StatusOr<PageTemplate> Read(const std::string& path);

  // The page; `fields` get "csp", a content security policy under which the
  // template's own styles and scripts run and nothing else does, whatever else
  // got into the page. ResourceExhausted for a page beyond 32 MiB.
  absl::StatusOr<std::string> Render(Value::Fields fields) const;

 private:
  explicit PageTemplate(std::string text);

  std::string text_, policy_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PAGE_TEMPLATE_H_
