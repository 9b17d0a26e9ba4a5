// Makes a report of what is stored.

#ifndef METSUKE_CONTROLLER_REPORT_REPORT_H_
#define METSUKE_CONTROLLER_REPORT_REPORT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/judge/judge.h"
#include "controller/registers.h"
#include "controller/store/store.h"
#include "proto/report.pb.h"

namespace metsuke {

// Where a report is read from; all must outlive the making.
struct ReportSources {
  Store& store;
  StandingRegisters& registers;
  // Of the baseline in force; null when there is none.
  Judge* judge = nullptr;
  // Seconds between two looks at a host.
  int64_t interval = 300;
};

// Which report.
struct ReportQuestion {
  std::string day;
  HostFilter hosts;
  int64_t from = 0, to = 0;
  // Store::Behind: these hosts are compared from there on.
  std::map<std::string, int64_t> behind;
  // The end of the last night's report before `to`, which knows what was open;
  // 0 when there is none.
  int64_t last_night = 0;
};

// A report, and what is kept with that of a night.
struct MadeReport {
  v1::Report report;
  std::vector<HostControl> opened, closed;
};

// The same data make the same report. The errors of the store, and
// InvalidArgument when `from` is not before `to`.
absl::StatusOr<MadeReport> MakeReport(const ReportSources& sources,
                                      const ReportQuestion& question);

// The bytes of a report; equal reports have equal bytes.
std::string ReportBytes(const v1::Report& report);

// What the list of nights says of a report.
v1::ReportEntry EntryOf(const v1::Report& report);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_REPORT_H_
