// When hosts turned: the times that a page draws drift over.

#ifndef METSUKE_CONTROLLER_PAGE_TIMES_H_
#define METSUKE_CONTROLLER_PAGE_TIMES_H_

#include "absl/status/status.h"
#include "controller/page/page.h"

namespace metsuke {

// Sets the times of the page, which has its report. The whole fleet has its
// nights. For a part of it, or before there are nights, the report's own time
// is divided, the finer the fewer hosts there are: each division is a report of
// its own. The errors of the store.
absl::Status AddTimes(const ReportSources& sources, const HostFilter& hosts,
                      Page& page);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PAGE_TIMES_H_
