// The baseline as an XCCDF 1.2 benchmark (NIST IR 7275 revision 4), and how
// each host stands against it as a test result of it.

#ifndef METSUKE_CONTROLLER_EXPORT_XCCDF_H_
#define METSUKE_CONTROLLER_EXPORT_XCCDF_H_

#include <string>

#include "controller/export/host_findings.h"

namespace metsuke {

// The benchmark with a rule for each control.
std::string XccdfBegin(const v1::BaselineReply& baseline);

// The test result of one host. A failure that is waived is "informational",
// which no scoring counts, and says that it is one.
std::string XccdfHost(const HostFindings& host, const v1::ExportHead& head);

std::string XccdfEnd();

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_EXPORT_XCCDF_H_
