#include "report.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include "measure.h"
#include "proto/instant.h"

namespace metsuke {
namespace {

std::string Reached(const std::optional<bool>& reached) {
  if (!reached) return "";
  return *reached ? "yes" : "**no**";
}

// The value after "KEY:" in a file of /proc or "KEY=" in os-release.
std::string ValueOf(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const size_t begin = line.find_first_not_of("\t :=\"", key.size());
    const size_t end = line.find_last_not_of(" \"");
    if (begin != std::string::npos) return line.substr(begin, end - begin + 1);
  }
  return "unknown";
}

}  // namespace

void Report::Section(const std::string& title, const std::string& how) {
  parts_.push_back({.title = title, .how = how});
  fmt::print(stderr, "{}\n", title);
}

void Report::Add(Figure figure) {
  fmt::print(stderr, "  {}: {} ({}) {}\n", figure.what, figure.figure,
             figure.beside, Reached(figure.reached));
  parts_.back().figures.push_back(std::move(figure));
}

void Report::Note(const std::string& text) {
  parts_.back().notes.push_back(text);
}

std::string Report::Page(const std::string& machine) const {
  std::string page = fmt::format(
      "# Benchmarks\n\nWritten by `tests/bench/run.sh` on {}; every figure is "
      "of that one run.\n\n{}\n\n## Targets\n\n| what | figure | target | "
      "reached |\n|---|---|---|---|\n",
      Rfc3339(std::time(nullptr)).substr(0, 10), machine);
  for (const Part& part : parts_)
    for (const Figure& line : part.figures)
      if (line.reached)
        page += fmt::format("| {} | {} | {} | {} |\n", line.what, line.figure,
                            line.target, Reached(line.reached));
  for (const Part& part : parts_) {
    page += fmt::format(
        "\n## {}\n\n{}\n\n| what | figure | beside it |\n|---|---|---|\n",
        part.title, part.how);
    for (const Figure& line : part.figures)
      page += fmt::format("| {} | {} | {} |\n", line.what, line.figure,
                          line.beside);
    for (const std::string& note : part.notes) page += "\n" + note + "\n";
  }
  return page;
}

std::string ThisMachine() {
  utsname kernel;
  uname(&kernel);
  const double load = [] {
    double value = 0;
    std::ifstream("/proc/loadavg") >> value;
    return value;
  }();
  return fmt::format(
      "Machine: {} processors ({}), {:.0f} GiB of memory, Linux {}, {}; "
      "compiled by GCC {}. Load average when it began: {:.1f}.",
      sysconf(_SC_NPROCESSORS_ONLN), ValueOf("/proc/cpuinfo", "model name"),
      std::stod(ValueOf("/proc/meminfo", "MemTotal")) / (1 << 20),
      kernel.release, ValueOf("/etc/os-release", "PRETTY_NAME"), __VERSION__,
      load);
}

}  // namespace metsuke
