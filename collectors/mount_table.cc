#include "collectors/mount_table.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/str_split.h"

namespace metsuke {
namespace {

// A table of mounts larger than this is no honest one; the deadline of the
// collectors is then what protects.
constexpr size_t kMaxBytes = 8 << 20;

// Blanks, tabs, newlines and backslashes are written as "\040" (proc(5)).
std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](size_t at) {
      return at < text.size() && text[at] >= '0' && text[at] <= '7';
    };
    if (text[i] == '\\' && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') << 6 |
                               (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string ReadAllOf(int fd) {
  std::string text;
  char buffer[16384];
  for (off_t at = 0; text.size() < kMaxBytes;) {
    const ssize_t got = pread(fd, buffer, sizeof buffer, at);
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
    at += got;
  }
  return text;
}

}  // namespace

bool IsRemoteType(std::string_view type) {
  // Names under which the kernel registers file systems that ask somebody
  // else: another machine, the machine below, or a program.
  constexpr std::array<std::string_view, 24> kRemote = {
      "9p",     "afs",   "autofs",  "beegfs", "ceph",  "cifs",
      "coda",   "davfs", "fuse",    "fuseblk", "gfs2", "glusterfs",
      "gpfs",   "lustre", "ncpfs",  "nfs",    "nfs4",  "ocfs2",
      "orangefs", "panfs", "pvfs2", "smb3",   "smbfs", "virtiofs"};
  return type.starts_with("fuse.") ||
         std::find(kRemote.begin(), kRemote.end(), type) != kRemote.end();
}

std::map<std::string, std::string> ParseMountInfo(std::string_view text) {
  std::map<std::string, std::string> mounts;
  const std::string copy(text);
  for (const auto line : absl::StrSplit(copy, '\n', absl::SkipEmpty())) {
    // ID parent major:minor root POINT options [optional…] - TYPE source …
    const std::vector<std::string> fields = absl::StrSplit(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 6 || dash - fields.begin() < 6 ||
        fields.end() - dash < 2)
      continue;
    mounts.insert_or_assign(Unescape(fields[4]), *(dash + 1));
  }
  return mounts;
}

void MountTable::Refresh() {
  const auto now = std::chrono::steady_clock::now();
  // A child shares the open file of its parent, and whoever polls first takes
  // the news from the other; so each process has its own.
  if (file_ && reader_ == getpid()) {
    if (now - looked_ < std::chrono::milliseconds(200)) return;
    looked_ = now;
    pollfd changed{file_.get(), POLLPRI, 0};
    if (poll(&changed, 1, 0) == 0) return;
  } else {
    file_ = Descriptor(open(list_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file_)
      file_ = Descriptor(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
    if (!file_) return;
    reader_ = getpid();
    looked_ = now;
  }
  mounts_ = ParseMountInfo(ReadAllOf(file_.get()));
  any_remote_ = std::any_of(mounts_.begin(), mounts_.end(), [](const auto& m) {
    return IsRemoteType(m.second);
  });
}

std::map<std::string, std::string>::const_iterator MountTable::Holding(
    std::string path) const {
  while (true) {
    const auto found = mounts_.find(path.empty() ? "/" : path);
    if (found != mounts_.end() || path.empty() || path == "/") return found;
    path.resize(path.rfind('/'));
  }
}

std::string MountTable::Forbidden(std::string_view path) {
  Refresh();
  if (!any_remote_) return "";
  std::string whole = root_ == "/" ? "" : root_;
  whole += path;
  if (whole.size() > 1 && whole.back() == '/') whole.pop_back();
  const auto mount = Holding(whole);
  if (mount == mounts_.end() || !IsRemoteType(mount->second)) return "";
  return mount == Holding(root_) ? "" : mount->second;
}

}  // namespace metsuke
