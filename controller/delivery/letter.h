// The report of a night as one recipient gets it: pure, in each of its forms.

#ifndef METSUKE_CONTROLLER_DELIVERY_LETTER_H_
#define METSUKE_CONTROLLER_DELIVERY_LETTER_H_

#include <cstdint>
#include <string>

#include "controller/report/words.h"
#include "proto/host_text.h"
#include "proto/report.pb.h"

namespace metsuke {

struct Letter {
  const v1::Report& report;
  Language language = Language::kEnglish;
  // The same each time it is tried, and no other's: whoever gets it twice can
  // tell.
  std::string id;
  // When it was put on its way.
  int64_t queued = 0;
};

// The report in a few words: "2026-11-23: 312 hosts, score 84.1 (-0.3), 2
// worse". One line.
HostText Headline(const v1::Report& report, Language language);

// The report as lines of text, the headline first.
std::string PlainText(const v1::Report& report, Language language);

// The same as HTML that mail programs show: styles stand on the elements,
// nothing is fetched and nothing runs.
std::string MailHtml(const v1::Report& report, Language language);

// The report as metsukectl -o json prints it.
std::string ReportJson(const v1::Report& report);

// The report as a message of a chat: the headline, and below it as many of the
// lines as `most` bytes hold; what is left out is told. `quoted` makes a line
// inert.
std::string ChatText(const v1::Report& report, Language language, size_t most,
                     std::string (*quoted)(std::string line));

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DELIVERY_LETTER_H_
