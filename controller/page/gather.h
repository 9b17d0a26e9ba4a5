// What a page shows, read from what is stored.

#ifndef METSUKE_CONTROLLER_PAGE_GATHER_H_
#define METSUKE_CONTROLLER_PAGE_GATHER_H_

#include "absl/status/statusor.h"
#include "controller/page/page.h"

namespace metsuke {

// As MakePage has it, without its complaint.
absl::StatusOr<Page> GatherPage(const ReportSources& sources,
                                const v1::Report& report,
                                const HostFilter& hosts);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PAGE_GATHER_H_
