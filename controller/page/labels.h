// What does not depend on what was found: the fixed texts of a page.

#ifndef METSUKE_CONTROLLER_PAGE_LABELS_H_
#define METSUKE_CONTROLLER_PAGE_LABELS_H_

#include <string>

#include "controller/page/value.h"
#include "controller/report/words.h"

namespace metsuke {

// Headings, legends and the like, by name.
Value::Fields PageLabels(const Words& words);

// What controls are about whose ids begin with this word, "ssh"; the word
// itself where there is no better one.
std::string GroupTitle(const std::string& word, const Words& words);

// What a kind of log in log_sources is to a reader.
std::string LogTitle(const std::string& source, const Words& words);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PAGE_LABELS_H_
