// The parts of a page's view.

#ifndef METSUKE_CONTROLLER_PAGE_VIEW_PARTS_H_
#define METSUKE_CONTROLLER_PAGE_VIEW_PARTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/page/groups.h"
#include "controller/page/page.h"
#include "controller/page/value.h"

namespace metsuke {

// A place in a chart as its share of the whole, in percent.
std::string Percent(double share);

// Parts of a bar with their classes, from left to right; without what is 0.
Value::List Bar(const std::vector<std::pair<std::string_view, double>>& parts);

// "312 hosts" as `where`, the first of their names as `names` and, as `rest`,
// how many there are beyond, "+304"; false when none is.
Value::Fields HostsOf(const v1::ReportHosts& hosts, int most,
                      const Words& words);

// The score at the end of each night, and what turned in it. Where a night has
// no report the line breaks.
Value TrendView(const Page& page, const Words& words);

// How far back logs reach; false when there is none.
Value LogsView(const Page& page, const Words& words);

// How the controls of each group came out, over all hosts.
Value CoverageView(const Page& page, const Groups& groups, const Words& words);

// Hosts against groups.
Value HostsView(const Page& page, const Groups& groups, const Words& words);

// Controls that fail somewhere or could not be judged.
Value ControlsView(const Page& page, const Words& words);

// What the report tells as changed, section by section.
Value ChangesView(const v1::Report& report, Language language);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PAGE_VIEW_PARTS_H_
