// Findings as OCSF 1.5.0 Compliance Findings (class 2003), one JSON object a
// line, as systems that gather security events read them.

#ifndef METSUKE_CONTROLLER_EXPORT_OCSF_H_
#define METSUKE_CONTROLLER_EXPORT_OCSF_H_

#include <string>

#include "controller/export/host_findings.h"
#include "controller/report/words.h"

namespace metsuke {

// A line for each control, whatever its verdict: a reader that got only what
// fails could not tell what passes from what nobody looked at. The lines are
// ASCII.
std::string OcsfHost(const HostFindings& host, const v1::ExportHead& head,
                     Language language);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_EXPORT_OCSF_H_
