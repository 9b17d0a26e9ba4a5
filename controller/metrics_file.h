// The fleet's metrics in a file, for the textfile collector of Prometheus's
// node_exporter.

#ifndef METSUKE_CONTROLLER_METRICS_FILE_H_
#define METSUKE_CONTROLLER_METRICS_FILE_H_

#include <cstdint>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "controller/registers.h"
#include "controller/standing.h"
#include "controller/store/store.h"

namespace metsuke {

class MetricsFile {
 public:
  struct Settings {
    std::string path;
    // Seconds between two looks at a host, and between two files.
    int64_t interval = 0;
    // When the controller's certificate ends.
    int64_t certificate_until = 0;
  };

  // Writes the file, now and every interval until it is destroyed, on a thread
  // of its own. A file that cannot be written is told once for each reason, and
  // tried again. The others must outlive it.
  MetricsFile(Store& store, StandingBaseline& baseline, Settings settings);

 private:
  void Loop(const std::stop_token& stop);
  absl::Status Write();

  Store& store_;
  StandingBaseline& baseline_;
  StandingRegisters registers_;
  const Settings settings_;
  std::jthread thread_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_METRICS_FILE_H_
