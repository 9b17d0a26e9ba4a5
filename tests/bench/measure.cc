#include "measure.h"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

namespace metsuke {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_usec) / 1e6;
}

double CpuOfSelf() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage;
    getrusage(who, &usage);
    sum += Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
  }
  return sum;
}

int64_t FindKib(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key + ":")) return std::stoll(line.substr(key.size() + 1));
  return -1;
}

}  // namespace

Stopwatch::Stopwatch()
    : began_(std::chrono::steady_clock::now()), cpu_(CpuOfSelf()) {}

Cost Stopwatch::Read() const {
  const std::chrono::duration<double> wall =
      std::chrono::steady_clock::now() - began_;
  return {wall.count(), CpuOfSelf() - cpu_};
}

double CpuOf(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string text;
  std::getline(file, text);
  const size_t name = text.rfind(')');  // the name may hold anything
  if (name == std::string::npos) return -1;
  std::istringstream fields(text.substr(name + 2));
  std::string skipped;
  // From the third field, the state, to the thirteenth.
  for (int i = 3; i < 14; ++i) fields >> skipped;
  double sum = 0, ticks = 0;
  for (int i = 0; i < 4; ++i)  // utime, stime, cutime, cstime
    if (fields >> ticks) sum += ticks;
  return sum / static_cast<double>(sysconf(_SC_CLK_TCK));
}

int64_t StatusKib(pid_t process, const std::string& key) {
  return FindKib(fmt::format("/proc/{}/status", process), key);
}

int64_t PssKib(pid_t process) {
  return FindKib(fmt::format("/proc/{}/smaps_rollup", process), "Pss");
}

Growth::Growth() {
  malloc_trim(0);
  // proc(5): 5 resets the peak resident set size.
  std::ofstream("/proc/self/clear_refs") << "5";
  before_ = StatusKib(getpid(), "VmRSS");
}

int64_t Growth::PeakKib() const {
  return StatusKib(getpid(), "VmHWM") - before_;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string ShowSeconds(double seconds) {
  if (seconds >= 1) return fmt::format("{:.2f} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.1f} ms", seconds * 1e3);
  return fmt::format("{:.1f} µs", seconds * 1e6);
}

std::string ShowKib(int64_t kib) {
  return fmt::format("{:.1f} MiB", static_cast<double>(kib) / 1024);
}

std::string ShowCount(double count) {
  std::string text = fmt::format("{:.0f}", std::round(count));
  for (int i = static_cast<int>(text.size()) - 3; i > 0; i -= 3)
    text.insert(i, 1, ',');
  return text;
}

}  // namespace metsuke
