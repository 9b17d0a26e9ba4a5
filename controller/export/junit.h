// Findings as JUnit XML, as pipelines read it: a test suite for each host, a
// test case for each control. What could not be judged is an error and what is
// waived is skipped, so that neither is ever counted as passed.

#ifndef METSUKE_CONTROLLER_EXPORT_JUNIT_H_
#define METSUKE_CONTROLLER_EXPORT_JUNIT_H_

#include <string>

#include "controller/export/host_findings.h"
#include "controller/report/words.h"

namespace metsuke {

std::string JunitBegin();

// The suite of one host. One that is stale has one case more, an error, for the
// others tell what was so when it was last heard of.
std::string JunitHost(const HostFindings& host, const v1::ExportHead& head,
                      Language language);

std::string JunitEnd();

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_EXPORT_JUNIT_H_
