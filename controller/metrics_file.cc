#include "controller/metrics_file.h"

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <utility>

#include "controller/measure_fleet.h"
#include "proto/file.h"
#include "proto/log.h"
#include "proto/status.h"

namespace metsuke {

MetricsFile::MetricsFile(Store& store, StandingBaseline& baseline,
                         Settings settings)
    : store_(store),
      baseline_(baseline),
      registers_(store),
      settings_(std::move(settings)),
      thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

absl::Status MetricsFile::Write() {
  const auto judge = baseline_.judge();
  ASSIGN_OR_RETURN(
      const FleetMetrics fleet,
      MeasureFleet({.store = store_,
                    .registers = registers_,
                    .judge = judge.get(),
                    .interval = settings_.interval,
                    .certificate_until = settings_.certificate_until},
                   std::time(nullptr)));
  // Whoever reads it is another user.
  return WriteFile(settings_.path, MetricsText(fleet), 0644);
}

void MetricsFile::Loop(const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any sleep;
  std::string said;
  do {
    const absl::Status written = Write();
    const std::string why = written.ok() ? "" : Message(written);
    if (why == said) continue;
    if (written.ok())
      Log(Priority::kNotice,
          "metrics_file: " + settings_.path + " is written again");
    else
      Log(Priority::kError,
          "metrics_file: the metrics are not written, and are tried again "
          "every interval; all else goes on. The controller's user must be "
          "able to write there, and its unit must allow it: " +
              why);
    said = why;
  } while (!sleep.wait_for(lock, stop, std::chrono::seconds(settings_.interval),
                           [&] { return stop.stop_requested(); }));
}

}  // namespace metsuke
