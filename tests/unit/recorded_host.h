// A folder in place of a machine: tests/hosts/NAME, or one a test makes.
//
//   etc/, proc/, …    what the file system holds, read through the real door
//   commands/ARGV     what the program prints; ARGV is its arguments joined by
//                     blanks, each "/" written "%"; programs of ours are
//                     there in %usr%libexec%metsuke. No such file: the program
//                     is not installed
//   commands/ARGV.error  in its place: the program fails and this is why
//   netlink/NAME      the messages the kernel answers; no such file:
//                     Unavailable
//   kernel            host name, release, machine, and "synchronized" or
//                     "unsynchronized", a line each. With it the host counts
//                     as running, without it as an image
//   disk              bytes of every file system; no such file: Unavailable
//   attributes        lines "MODE UID GID MODIFIED PATH" for what a checkout
//                     does not keep; MODE is octal, MODIFIED in seconds. What
//                     is not listed is 0644 (0755 for folders and programs),
//                     of root, of 2026-01-01

#ifndef METSUKE_TESTS_UNIT_RECORDED_HOST_H_
#define METSUKE_TESTS_UNIT_RECORDED_HOST_H_

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "collectors/host.h"
#include "proto/run.h"
#include "proto/status.h"

namespace metsuke {

class RecordedHost : public Host {
 public:
  explicit RecordedHost(const boost::filesystem::path& folder) : Host(folder) {
    const auto text = Host::ReadAll("", "attributes", 1 << 20);
    std::istringstream lines(text.ok() ? *text : "");
    for (std::string line; std::getline(lines, line);) {
      std::istringstream fields(line);
      Attributes a;
      std::string path;
      if (fields >> std::oct >> a.mode >> std::dec >> a.uid >> a.gid >>
          a.modified >> path)
        attributes_[path] = a;
    }
  }

  bool Running() const override { return Host::Stat("kernel").ok(); }

  absl::StatusOr<FileInfo> Stat(std::string_view path) const override {
    ASSIGN_OR_RETURN(const FileInfo info, Host::Stat(path));
    return AsRecorded(std::string(path), info);
  }

  absl::StatusOr<FileInfo> StatBelow(std::string_view home,
                                     std::string_view path) const override {
    ASSIGN_OR_RETURN(const FileInfo info, Host::StatBelow(home, path));
    return AsRecorded(std::string(home) + "/" + std::string(path), info);
  }

  absl::StatusOr<std::string> Netlink(std::string_view name, int,
                                      std::string_view) const override {
    ReadLive();
    const auto answer =
        Host::ReadAll("", "netlink/" + std::string(name), 64 << 20);
    if (answer.ok()) return answer;
    return absl::UnavailableError("netlink " + std::string(name) +
                                  ": not recorded");
  }

  absl::StatusOr<KernelFacts> Kernel() const override {
    if (!Running()) return Host::Kernel();
    ReadLive();
    ASSIGN_OR_RETURN(const std::string text, Host::ReadAll("", "kernel", 4096));
    std::istringstream lines(text);
    KernelFacts facts;
    std::string clock;
    std::getline(lines, facts.hostname);
    std::getline(lines, facts.release);
    std::getline(lines, facts.machine);
    std::getline(lines, clock);
    facts.clock_synchronized = clock == "synchronized";
    return facts;
  }

  absl::StatusOr<FileSystemRoom> FileSystem(std::string_view) const override {
    const auto text = Host::ReadAll("", "disk", 64);
    if (!text.ok()) return absl::UnavailableError("not recorded");
    return FileSystemRoom{.bytes = std::stoll(*text), .free = 0};
  }

 protected:
  absl::StatusOr<std::string> RunForBytes(const std::vector<std::string>& argv,
                                          const RunOptions&) const override {
    if (!Running()) return Host::RunForBytes(argv, {});
    std::vector<std::string> words = argv;
    // Programs of ours stand where packages put them, wherever this one does.
    const std::string own = words[0].substr(words[0].rfind('/') + 1);
    if (words[0] == OwnProgram(own)) words[0] = "/usr/libexec/metsuke/" + own;
    std::string name = absl::StrJoin(words, " ");
    std::replace(name.begin(), name.end(), '/', '%');
    const std::string path = "commands/" + name;
    const auto failure = Host::ReadAll("", path + ".error", 1 << 20);
    if (failure.ok()) return absl::UnavailableError(*failure);
    return Host::ReadAll("", path, 64 << 20);
  }

 private:
  struct Attributes {
    uint32_t mode = 0644, uid = 0, gid = 0;
    int64_t modified = 1767225600;  // 2026-01-01 00:00:00 UTC
  };

  FileInfo AsRecorded(const std::string& path, FileInfo info) const {
    Attributes a;
    const bool folder = info.kind == FileInfo::Kind::kDirectory;
    if (folder || info.mode & 0100) a.mode = 0755;
    if (const auto found = attributes_.find(path); found != attributes_.end())
      a = found->second;
    info.mode = a.mode;
    info.uid = a.uid;
    info.gid = a.gid;
    info.modified = info.changed = a.modified;
    info.modified_nanos = info.changed_nanos = 0;
    if (folder) info.size = 4096;
    return info;
  }

  std::map<std::string, Attributes> attributes_;
};

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_RECORDED_HOST_H_
