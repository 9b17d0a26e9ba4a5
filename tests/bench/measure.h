// What the benchmarks measure with: time, processor time and memory as the
// kernel accounts for them (proc(5), getrusage(2)).

#ifndef METSUKE_TESTS_BENCH_MEASURE_H_
#define METSUKE_TESTS_BENCH_MEASURE_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace metsuke {

// Seconds.
struct Cost {
  double wall = 0;
  double cpu = 0;
};

// Runs from its construction on. Its processor time is that of this process and
// of the children it has waited for.
class Stopwatch {
 public:
  Stopwatch();
  Cost Read() const;

 private:
  const std::chrono::steady_clock::time_point began_;
  const double cpu_;
};

// Processor seconds of another process and of the children it has waited for,
// in the steps of the kernel's clock, usually 10 ms; -1 when it is gone.
double CpuOf(pid_t process);

// A line of /proc/PID/status such as "VmRSS" or "VmHWM", in KiB; -1 when there
// is none.
int64_t StatusKib(pid_t process, const std::string& key);

// Proportional set size, in KiB: pages that several processes share count in
// parts. -1 when it may not be read.
int64_t PssKib(pid_t process);

// How much this process's resident memory rose above where it stood, in KiB.
class Growth {
 public:
  // Gives free memory back to the kernel and begins a new peak.
  Growth();
  int64_t PeakKib() const;

 private:
  int64_t before_;
};

// The middle one; 0 when there are none.
double Median(std::vector<double> values);

// "1.23 s", "4.56 ms", "7.89 µs".
std::string ShowSeconds(double seconds);
// "12.3 MiB".
std::string ShowKib(int64_t kib);
// "1,234,567".
std::string ShowCount(double count);

}  // namespace metsuke

#endif  // METSUKE_TESTS_BENCH_MEASURE_H_
