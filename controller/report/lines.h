// A report in a reader's language, line by line; what comes of it, a terminal,
// a mail or a page, is another's matter.

#ifndef METSUKE_CONTROLLER_REPORT_LINES_H_
#define METSUKE_CONTROLLER_REPORT_LINES_H_

#include <string>
#include <vector>

#include "controller/report/words.h"
#include "proto/host_text.h"
#include "proto/report.pb.h"

namespace metsuke {

// What a line is, so that it can be made to look like it.
enum class LineKind {
  kTitle,    // the first line
  kHeading,  // of a section
  kPlain,
  kBad,    // something is worse than it was
  kGood,   // something is better
  kBlind,  // something could not be seen
  kMuted,  // what is told beside
};

struct ReportLine {
  LineKind kind = LineKind::kPlain;
  // How deep it stands: 0 for titles and headings.
  int indent = 0;
  // Words of ours and of hosts; the encoder of wherever it goes makes it safe.
  HostText text;
};

// Whether nothing changed and nothing is known to be missing.
bool IsQuiet(const v1::Report& report);

// The whole report. A quiet night is one line. Instants are told in local time.
std::vector<ReportLine> ReportLines(const v1::Report& report,
                                    Language language);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_LINES_H_
