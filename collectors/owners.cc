#include "collectors/owners.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "collectors/descriptor.h"
#include "collectors/packages.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kFolder[] = "/var/lib/dpkg/info";

// The names under which a package may have shipped `path`. On a system whose
// /bin is a link to /usr/bin, the kernel says /usr/bin and dpkg what the
// package was built with.
std::vector<std::string> Spellings(const std::string& path) {
  std::vector<std::string> spellings = {path};
  for (const char* folder : {"/bin/", "/sbin/", "/lib/", "/lib64/"}) {
    if (path.starts_with(std::string("/usr") + folder)) {
      spellings.push_back(path.substr(4));
    }
    if (path.starts_with(folder)) spellings.push_back("/usr" + path);
  }
  return spellings;
}

// Whether `path` is where no package puts files (FHS 3.0, Debian Policy 9.1):
// a full search for what cannot be found would be the most expensive one.
bool IsOutside(std::string_view path) {
  for (const std::string_view folder :
       {"/home/", "/root/", "/tmp/", "/var/tmp/", "/dev/", "/run/", "/proc/",
        "/mnt/", "/media/", "/usr/local/"}) {
    if (path.starts_with(folder)) return true;
  }
  return !path.starts_with('/');
}

// How much of the program's name stands in the name of the package. Reading
// all lists costs a thousand files; the right one is mostly among the first
// when they are read by this: sshd in openssh-server, rsyslogd in rsyslog.
size_t Likeness(const std::string& list, const std::string& path) {
  const std::string program = path.substr(path.rfind('/') + 1);
  for (size_t length = std::min<size_t>(program.size(), 8); length > 2;
       --length) {
    if (list.find(program.substr(0, length)) != std::string::npos) {
      return length;
    }
  }
  return 0;
}

std::vector<std::string> ByLikeness(const std::vector<std::string>& names,
                                    const std::set<std::string>& paths) {
  std::vector<std::pair<size_t, std::string>> order;
  for (const std::string& name : names) {
    if (!name.ends_with(".list")) continue;
    size_t likeness = 0;
    for (const std::string& path : paths) {
      likeness = std::max(likeness, Likeness(name, path));
    }
    order.emplace_back(likeness, name);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.first > b.first;
  });
  std::vector<std::string> lists;
  for (auto& [likeness, name] : order) lists.push_back(std::move(name));
  return lists;
}

// "libc6:amd64.list" belongs to libc6.
std::string PackageOfList(const std::string& list) {
  return list.substr(0, std::min(list.find(':'), list.size() - 5));
}

// Reads the files of one folder, into the same memory. A thousand lists are
// looked through when nobody owns a program, and the door's own looks at each
// cost three times as much as the reading; so the door opens the folder, which
// is root's, and here no link is followed and only a regular file is read.
class ListReader {
 public:
  explicit ListReader(int folder) : folder_(folder) {}

  // The content of a list, valid until the next one is read; empty when the
  // list was removed meanwhile, and `failed` when it cannot be read.
  std::string_view Read(const std::string& name, bool& failed) {
    constexpr int kFlags =
        O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    const Descriptor file(openat(folder_.get(), name.c_str(), kFlags));
    failed = !file && errno != ENOENT;
    if (!file) return {};
    struct stat info;
    failed = fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode);
    if (failed) return {};
    const size_t size = std::min<size_t>(info.st_size, 64 << 20);
    if (buffer_.size() < size) buffer_.resize(size);
    size_t at = 0;
    while (at < size) {
      const ssize_t got = read(file.get(), buffer_.data() + at, size - at);
      if (got <= 0) break;
      at += static_cast<size_t>(got);
    }
    failed = at < size;
    return {buffer_.data(), at};
  }

 private:
  const Descriptor folder_;
  std::string buffer_;
};

absl::StatusOr<std::map<std::string, std::string>> FindInDpkg(
    const Host& host, std::set<std::string> paths) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, host.List(kFolder));
  ASSIGN_OR_RETURN(const int folder, host.OpenDirectory(kFolder));
  ListReader reader(folder);
  std::map<std::string, std::string> owners;
  for (const std::string& name : ByLikeness(names, paths)) {
    if (paths.empty()) break;
    bool failed = false;
    const std::string_view list = reader.Read(name, failed);
    if (failed) {
      return absl::UnavailableError(
          fmt::format("{}/{}: cannot be read", kFolder, name));
    }
    std::erase_if(paths, [&](const std::string& path) {
      const std::vector<std::string> spellings = Spellings(path);
      const bool found = std::any_of(
          spellings.begin(), spellings.end(),
          [&](const std::string& spelling) { return HasLine(list, spelling); });
      if (found) owners[path] = PackageOfList(name);
      return found;
    });
  }
  return owners;
}

// One line for each path that exists: the owner's name or, on a line with
// blanks, that there is none. Of the others rpm says on standard error alone
// that they do not exist.
absl::StatusOr<std::map<std::string, std::string>> FindInRpm(
    const Host& host, std::set<std::string> paths) {
  RunOptions options;
  options.inputs = RpmDatabase(host);
  if (options.inputs.empty()) {
    return absl::NotFoundError("neither dpkg nor rpm has a database here");
  }
  std::erase_if(paths, [&](const std::string& path) {
    return !host.Stat(path).ok();
  });
  if (paths.empty()) return std::map<std::string, std::string>();
  std::vector<std::string> argv = {"/usr/bin/rpm", "-qf", "--qf",
                                   "%{NAME}\\n", "--"};
  argv.insert(argv.end(), paths.begin(), paths.end());
  // rpm exits with the number of paths that nobody owns.
  for (size_t code = 1; code <= paths.size() && code < 256; ++code) {
    options.accepted_codes.push_back(static_cast<int>(code));
  }
  ASSIGN_OR_RETURN(const std::string text, host.Run(argv, options));
  const std::vector<std::string_view> lines = Lines(text);
  std::map<std::string, std::string> owners;
  if (lines.size() != paths.size()) {
    return absl::UnavailableError(
        fmt::format("rpm printed {} owners of {} files", lines.size(),
                    paths.size()));
  }
  for (size_t i = 0; const std::string& path : paths) {
    const std::string_view line = lines[i++];
    if (line.find(' ') == line.npos) owners[path] = std::string(line);
  }
  return owners;
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> FindOwners(
    const Host& host, std::set<std::string> paths) {
  std::erase_if(paths, IsOutside);
  if (paths.empty()) return std::map<std::string, std::string>();
  auto owners = FindInDpkg(host, paths);
  if (absl::IsNotFound(owners.status())) return FindInRpm(host, paths);
  return owners;
}

bool HasLine(std::string_view list, std::string_view path) {
  if (path.empty()) return false;
  const char* at = list.data();
  const char* const end = list.data() + list.size();
  // memmem hashes what it looks for; all lines begin alike, and a search by
  // first character would stop at each of them.
  while ((at = static_cast<const char*>(
              memmem(at, end - at, path.data(), path.size()))) != nullptr) {
    const char* after = at + path.size();
    if ((at == list.data() || at[-1] == '\n') &&
        (after == end || *after == '\n')) {
      return true;
    }
    ++at;
  }
  return false;
}

}  // namespace metsuke
