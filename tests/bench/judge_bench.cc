#include <fmt/format.h>

#include <ctime>
#include <map>

#include "bench.h"
#include "controller/judge/judge.h"
#include "measure.h"
#include "proto/canonical.h"
#include "proto/status.h"
#include "states.h"

namespace metsuke {
namespace {

constexpr int kMemoised = 10000;

struct Subject {
  TableDigests tables;
  std::map<std::string, std::string> bytes;  // canonical, by digest
};

Subject SubjectOf(const v1::Snapshot& snapshot) {
  Subject subject;
  const BenchState made = MakeState(snapshot);
  for (const v1::TableDigest& table : made.state.tables()) {
    subject.tables[table.table()] = table.digest();
    subject.bytes[table.digest()] =
        CanonicalTable(snapshot, TableField(table.table()));
  }
  return subject;
}

}  // namespace

absl::Status BenchJudge(const BenchOptions& options, const v1::Snapshot& host,
                        Report& report) {
  ASSIGN_OR_RETURN(const auto files, BaselineFiles(options.baseline));
  const Subject subject = SubjectOf(host);
  const Subject other = [&] {
    v1::Snapshot changed = host;
    changed.add_packages()->set_name("bench");
    return SubjectOf(changed);
  }();
  const auto bodies =
      [&](const std::string& digest) -> absl::StatusOr<std::string> {
    const auto found = subject.bytes.find(digest);
    return found != subject.bytes.end() ? found->second
                                        : other.bytes.at(digest);
  };
  std::vector<double> loads, colds, nears;
  double memoised = 0;
  size_t controls = 0;
  uint64_t cold_runs = 0, near_runs = 0;
  const int64_t now = std::time(nullptr);
  for (int round = 0; round < options.rounds; ++round) {
    const Stopwatch loading;
    ASSIGN_OR_RETURN(CompiledBaseline baseline, LoadBaseline(files));
    loads.push_back(loading.Read().wall);
    controls = baseline.controls.size();
    Judge judge(std::move(baseline), bodies);
    const Stopwatch cold;
    RETURN_IF_ERROR(judge.State(subject.tables, now).status());
    colds.push_back(cold.Read().wall);
    cold_runs = judge.evaluations();
    const Stopwatch near;
    RETURN_IF_ERROR(judge.State(other.tables, now).status());
    nears.push_back(near.Read().wall);
    near_runs = judge.evaluations() - cold_runs;
    const Stopwatch again;
    for (int i = 0; i < kMemoised; ++i)
      RETURN_IF_ERROR(judge.State(subject.tables, now).status());
    memoised = again.Read().wall / kMemoised;
  }
  report.Section("Judging one state",
                 fmt::format("This machine ({} packages) against the shipped "
                             "baseline of {} controls; medians of {} rounds.",
                             host.packages_size(), controls, options.rounds));
  report.Add({"loading the baseline, each control tried on its examples",
              ShowSeconds(Median(loads)), ""});
  report.Add({"a state never seen", ShowSeconds(Median(colds)),
              fmt::format("{} evaluations", cold_runs)});
  report.Add({"a state that differs in one package",
              ShowSeconds(Median(nears)),
              fmt::format("{} evaluations", near_runs)});
  report.Add({"a state seen before", ShowSeconds(memoised),
              fmt::format("{:.0f} times faster than one never seen",
                          Median(colds) / memoised)});
  return absl::OkStatus();
}

}  // namespace metsuke
