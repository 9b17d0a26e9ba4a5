// What reports go by, as operators write it: sections, noise and causes.

#ifndef METSUKE_CONTROLLER_JUDGE_REPORT_RULES_H_
#define METSUKE_CONTROLLER_JUDGE_REPORT_RULES_H_

#include <functional>
#include <string>

#include "proto/baseline.pb.h"

namespace metsuke {

// Checks the sections, the noise and the causes of one file. `refuse` is told
// what is wrong and with which item, "noise[2]".
void CheckReportRules(
    const v1::Baseline& file,
    const std::function<void(const std::string& item, const std::string& why)>&
        refuse);

// Whether the pattern of a rule means the text (fnmatch(3)).
bool Matches(const std::string& pattern, const std::string& text);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_REPORT_RULES_H_
