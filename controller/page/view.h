// A page in a reader's language: every text, and where each mark of a chart
// stands. What it looks like is the template's matter.

#ifndef METSUKE_CONTROLLER_PAGE_VIEW_H_
#define METSUKE_CONTROLLER_PAGE_VIEW_H_

#include "controller/page/page.h"
#include "controller/page/value.h"

namespace metsuke {

// What fills a template. The same page makes the same values.
Value::Fields PageView(const Page& page, Language language);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PAGE_VIEW_H_
