#include "controller/page/page.h"

#include <optional>
#include <utility>

#include "controller/page/gather.h"
#include "controller/page/template.h"
#include "controller/page/view.h"
#include "proto/log.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// The page by an operator's template; what is wrong with it where it cannot be
// made.
absl::StatusOr<std::string> ByTemplate(const std::string& path,
                                       const Page& page, Language language) {
  ASSIGN_OR_RETURN(const PageTemplate own, PageTemplate::Read(path));
  auto html = own.Render(PageView(page, language));
  return html.ok() ? html : Annotate(html.status(), path);
}

}  // namespace

absl::StatusOr<MadePage> MakePage(const ReportSources& sources,
                                  const v1::Report& report,
                                  const HostFilter& hosts, Language language,
                                  const std::string& template_path) {
  ASSIGN_OR_RETURN(Page page, GatherPage(sources, report, hosts));
  if (!template_path.empty()) {
    auto html = ByTemplate(template_path, page, language);
    if (html.ok()) return MadePage{.html = *std::move(html), .complaint = ""};
    page.complaint = Message(html.status());
    Log(Priority::kError,
        "page_template is broken, and a page is made from "
        "the built-in template: " +
            page.complaint);
  }
  ASSIGN_OR_RETURN(std::string html,
                   PageTemplate::BuiltIn().Render(PageView(page, language)));
  return MadePage{.html = std::move(html), .complaint = page.complaint};
}

}  // namespace metsuke
