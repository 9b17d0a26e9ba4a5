#include "collectors/kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "proto/status.h"

namespace metsuke {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes a run of digits, or of other characters, off `text`.
std::string_view TakeRun(std::string_view& text) {
  size_t end = 1;
  while (end < text.size() && IsDigit(text[end]) == IsDigit(text[0])) ++end;
  const std::string_view run = text.substr(0, end);
  text.remove_prefix(end);
  return run;
}

// Below, above or at zero, as a number: without leading zeros the longer one
// is the greater, however many digits they have.
int CompareNumbers(std::string_view a, std::string_view b) {
  a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
  b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

bool IsCandidate(std::string_view text) {
  return text.starts_with("-rc") || text.starts_with("~rc");
}

// What stands in `folder`; nothing when it is not there.
absl::StatusOr<std::vector<std::string>> ListOrNone(const Host& host,
                                                    const char* folder) {
  auto names = host.List(folder);
  if (absl::IsNotFound(names.status())) return std::vector<std::string>();
  if (!names.ok()) return Annotate(names.status(), folder);
  return names;
}

void KeepNewer(std::string release, std::string& newest) {
  const std::string_view old = KernelVersion(newest);
  const std::string_view version = KernelVersion(release);
  // Of one version in several flavours the last by name, so that the answer
  // does not depend on the order in which they are found.
  if (KernelIsOlder(old, version) || (old == version && newest < release)) {
    newest = std::move(release);
  }
}

}  // namespace

std::string_view KernelVersion(std::string_view release) {
  for (size_t i = 0; i + 1 < release.size(); ++i) {
    const char next = release[i + 1];
    if ((release[i] == '-' || release[i] == '+') &&
        (next >= 'a' && next <= 'z') && !IsCandidate(release.substr(i)) &&
        // Debian's backports are "6.12.9+bpo-amd64".
        !release.substr(i).starts_with("+bpo")) {
      return release.substr(0, i);
    }
  }
  return release;
}

bool KernelIsOlder(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (IsCandidate(a) != IsCandidate(b)) return IsCandidate(a);
    const std::string_view x = TakeRun(a), y = TakeRun(b);
    const bool numbers = IsDigit(x[0]) && IsDigit(y[0]);
    const int order = numbers ? CompareNumbers(x, y) : x.compare(y);
    if (order != 0) return order < 0;
  }
  if (a.empty()) return !b.empty() && !IsCandidate(b);
  return IsCandidate(a);
}

absl::StatusOr<std::string> NewestKernel(const Host& host) {
  constexpr char kBoot[] = "/boot", kModules[] = "/lib/modules";
  constexpr std::string_view kImage = "vmlinuz-";
  std::string newest;
  ASSIGN_OR_RETURN(const std::vector<std::string> images,
                   ListOrNone(host, kBoot));
  for (const std::string& name : images) {
    // The rescue image of RHEL is a copy of some kernel, named by the machine.
    if (!name.starts_with(kImage) || name.find("-rescue-") != name.npos) {
      continue;
    }
    KeepNewer(name.substr(kImage.size()), newest);
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> modules,
                   ListOrNone(host, kModules));
  for (const std::string& release : modules) {
    // A removed kernel may leave its folder behind, with modules that were
    // built on the machine alone.
    const std::string folder = fmt::format("{}/{}", kModules, release);
    if (host.Stat(folder + "/modules.dep").ok() ||
        host.Stat(folder + "/kernel").ok()) {
      KeepNewer(release, newest);
    }
  }
  return newest;
}

}  // namespace metsuke
