// A report for people who would rather look: what the one-file page shows, and
// how it is made. What it shows is gathered from what is stored (gather.h), put
// into words (view.h) and laid out by a template (template.h).

#ifndef METSUKE_CONTROLLER_PAGE_PAGE_H_
#define METSUKE_CONTROLLER_PAGE_PAGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/judge/score.h"
#include "controller/report/report.h"
#include "controller/report/words.h"
#include "controller/store/store.h"
#include "proto/baseline.pb.h"
#include "proto/operator.pb.h"
#include "proto/report.pb.h"

namespace metsuke {

// How a control came out on a host.
enum class Outcome : uint8_t {
  kNotApplicable,
  kPass,
  kWaived,  // failed, and a waiver covers it
  kUnknown,
  kFail,
};

// Hosts that stand alike: with the same labels and the same outcomes, and all
// of them heard of or none.
struct AlikeHosts {
  enum class Sight { kNew, kSilent, kSeen };  // the blindest first

  Sight sight = Sight::kSeen;
  // When the first of silent ones was last heard of.
  int64_t last_seen = 0;
  std::vector<std::string> names;   // by name
  std::vector<std::string> labels;  // "key=value", sorted
  Score score;
  std::vector<Outcome> outcomes;  // one for each control
};

// A control over all hosts.
struct PageControl {
  v1::Control control;  // without its queries and examples
  uint32_t pass = 0, fail = 0, waived = 0, unknown = 0, not_applicable = 0;
  // Hosts that never reported; that is told of them, not of each control.
  uint32_t unreported = 0;
  // Where it failed, waived or not, and what shows it: each row once.
  v1::ReportHosts failing;
  std::vector<std::string> columns;
  google::protobuf::RepeatedPtrField<v1::ReportRow> rows;
  uint32_t rows_omitted = 0;
  // Why it could not be judged, on the most hosts first.
  std::vector<std::pair<std::string, v1::ReportHosts>> reasons;
};

// How far back a kind of log can be read, over all hosts that have it.
struct LogReach {
  std::string source;  // as in log_sources
  int64_t asked = -1;  // days; -1 where the baseline asks for none
  // By the days that the log reaches back which does so the furthest.
  std::map<int64_t, v1::ReportHosts> days;
  // Where none of its records has a time.
  v1::ReportHosts empty;
  // Where a file of it could not be read: more may be there.
  v1::ReportHosts unread;
};

// How the hosts stood at the end of a time, and what turned within it. One
// without a length only says how they stood.
struct PageTime {
  int64_t from = 0, to = 0;
  double score = -1;  // -1 when none has a score
  uint32_t hosts = 0;
  // -1 when that is not known, as it is of what was not judged.
  int64_t worse = -1, better = -1;
  int64_t facts = -1;   // rows that differ
  int64_t unseen = -1;  // hosts of which something could not be seen
};

struct Page {
  v1::Report report;
  // Times one after the other, the oldest first, up to the report's end.
  std::vector<PageTime> times;
  // Whether they are nights of the whole fleet, of which some may be missing;
  // otherwise they divide the report's own time.
  bool nightly = false;
  // When which baseline was put in force, the oldest first.
  std::vector<std::pair<int64_t, std::string>> baselines;
  // That which the hosts were held against; empty when none was in force.
  std::string baseline;
  std::vector<AlikeHosts> hosts;      // the blindest and the worst first
  std::vector<PageControl> controls;  // in the order of the baseline
  std::vector<LogReach> logs;
  // Hosts whose logs could not be looked at.
  v1::ReportHosts logs_unseen;
  // Why the page does not look as an operator meant it to; empty when it does.
  std::string complaint;
};

// A page, and what is wrong with the template that was to be used; nothing is
// when that is empty.
struct MadePage {
  std::string html, complaint;
};

// The page of `report`: the fleet, of it the hosts that `hosts` means, as it
// was at the report's end, held against the baseline in force. `template_path`
// is the file of an operator's template, and empty for ours, which takes its
// place where it is broken. The same data make the same page. The errors of the
// store.
absl::StatusOr<MadePage> MakePage(const ReportSources& sources,
                                  const v1::Report& report,
                                  const HostFilter& hosts, Language language,
                                  const std::string& template_path);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PAGE_PAGE_H_
