#include "floor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem.hpp>
#include <functional>
#include <string>

namespace metsuke {
namespace {

namespace fs = boost::filesystem;

constexpr size_t kBlock = 256 << 10;
// Of a log, its first and its last records are looked for.
constexpr int64_t kLogEnd = 64 << 10;

using Visit = std::function<void(const fs::path&)>;

void ForFiles(const fs::path& folder, const Visit& visit) {
  boost::system::error_code error;
  fs::recursive_directory_iterator entry(folder, error), end;
  while (!error && entry != end) {
    boost::system::error_code ignored;
    if (fs::is_regular_file(entry->symlink_status(ignored))) visit(*entry);
    entry.increment(error);
  }
}

// Files that are read whole.
void ForSources(const Visit& visit) {
  visit("/var/lib/dpkg/status");
  ForFiles("/var/lib/dpkg/info", [&](const fs::path& path) {
    if (path.extension() == ".list") visit(path);
  });
  ForFiles("/var/lib/apt/lists", visit);
  ForFiles("/etc", visit);
}

int64_t ReadPart(int fd, int64_t from, int64_t most) {
  static char buffer[kBlock];
  int64_t sum = 0;
  while (sum < most) {
    const ssize_t got = pread(fd, buffer, kBlock, from + sum);
    if (got <= 0) break;
    sum += got;
  }
  return sum;
}

void ReadWhole(const fs::path& path, Read& read) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ++read.files;
  read.bytes += ReadPart(fd, 0, INT64_MAX);
  close(fd);
}

void ReadEnds(const fs::path& path, Read& read) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ++read.files;
  struct stat info;
  fstat(fd, &info);
  read.bytes += ReadPart(fd, 0, kLogEnd);
  if (info.st_size > kLogEnd)
    read.bytes += ReadPart(fd, info.st_size - kLogEnd, kLogEnd);
  close(fd);
}

void ReadDescriptors(Read& read) {
  boost::system::error_code error;
  for (const auto& process : fs::directory_iterator("/proc", error)) {
    if (process.path().filename().native()[0] > '9') continue;
    const fs::path folder = process.path() / "fd";
    fs::directory_iterator link(folder, error), end;
    for (; !error && link != end; link.increment(error)) {
      char target[256];
      const ssize_t length =
          readlink(link->path().c_str(), target, sizeof target);
      ++read.files;
      if (length > 0) read.bytes += length;
    }
  }
}

}  // namespace

Read ReadSources() {
  Read read;
  ForSources([&](const fs::path& path) { ReadWhole(path, read); });
  ForFiles("/var/log", [&](const fs::path& path) { ReadEnds(path, read); });
  ReadDescriptors(read);
  return read;
}

Read StatSources() {
  Read read;
  const Visit look = [&](const fs::path& path) {
    struct stat info;
    if (stat(path.c_str(), &info) == 0) ++read.files;
  };
  ForSources(look);
  ForFiles("/var/log", look);
  ReadDescriptors(read);
  return read;
}

}  // namespace metsuke
