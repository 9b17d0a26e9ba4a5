// A Host is the machine a collector looks at: the only door to it. Collectors
// learn everything through it, so a test can hand them a folder in place of a
// machine, the agent can be pointed at a mounted image, and safe reading, caps,
// deadlines and UTF-8 are each solved once, here.
//
// Whoever owns a home directory or runs a process on the machine chose what
// stands there. So no open has an effect (a device, a FIFO), no link of a user
// is followed, no remote or FUSE file system is touched, and sizes and times
// are bounded. What a machine says may be any bytes; what Read, List and Run
// return is UTF-8, with U+FFFD where it was not; a proto3 string must be UTF-8.
//
// Errors, for all calls: NotFound when it is not there; PermissionDenied when
// it is closed to us; FailedPrecondition when it is there but is nothing one
// can read (a FIFO, a device, a socket, a directory in place of a file, a link
// where none may be followed); ResourceExhausted when it is larger than the
// cap; Aborted when it changed while it was read, twice; Unavailable when it
// lies on a remote or FUSE file system, or a program cannot be run or failed;
// DeadlineExceeded when a program took too long.

#ifndef METSUKE_COLLECTORS_HOST_H_
#define METSUKE_COLLECTORS_HOST_H_

#include <boost/filesystem/path.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/run.h"

namespace metsuke {

// What is known of a file without opening it.
struct FileInfo {
  enum class Kind { kRegular, kDirectory, kSymlink, kFifo, kSocket, kDevice };
  Kind kind;
  uint64_t device, inode;
  int64_t size;            // bytes
  int64_t modified;        // seconds since 1970-01-01 UTC
  int64_t modified_nanos;  // and nanoseconds
  int64_t changed;         // status change (ctime), seconds
  int64_t changed_nanos;
  uint32_t mode;  // permission bits, 07777
  uint32_t uid, gid;
  uint64_t links;
};

// What a collector has read, so that it need not run again while all of it is
// as it was; see Host::StartRecording.
class Recording;

// The file system below the host's root; see collectors/safe_open.h.
class SafeTree;

namespace v1 {
class Answer;
}

// How large a file system is, in bytes.
struct FileSystemRoom {
  int64_t bytes;
  int64_t free;  // that who is not root may still use
};

// What the kernel says of itself; not to be had of a mounted image.
struct KernelFacts {
  std::string hostname, release, machine;  // uname(2)
  // adjtimex(2), not STA_UNSYNC; an error where a look at the clock is
  // forbidden, as to what runs in systemd-nspawn.
  absl::StatusOr<bool> clock_synchronized;
};

class Host {
 public:
  // A host whose file system starts at `root`. Only "/" is a running host:
  // with any other, Run, Netlink, Kernel and Bus are Unavailable.
  explicit Host(boost::filesystem::path root = "/");
  virtual ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // Whether this is the running machine and not an image of one.
  virtual bool Running() const { return root_ == "/"; }

  // The content of a system file: one in whose path every symlink was made by
  // root. At most `cap` bytes.
  absl::StatusOr<std::string> Read(std::string_view path,
                                   size_t cap = 1 << 20) const;

  // The content of a user's file: `path` is below `home`, and nothing below
  // `home` may be a symlink or another file system.
  absl::StatusOr<std::string> ReadBelow(std::string_view home,
                                        std::string_view path,
                                        size_t cap = 1 << 20) const;

  // `length` bytes of a system file from `offset` on, or fewer at its end; a
  // negative offset counts from the end. For formats that are not text and
  // for files too large to be read whole. The bytes are as they are on disk.
  virtual absl::StatusOr<std::string> ReadBytes(std::string_view path,
                                                int64_t offset,
                                                size_t length) const;

  // What `find` says of the system file at `path`, or what it said before while
  // the file is as it was then: for what costs too much to find out in every
  // cycle of files that no longer change. `find` reads nothing else that changes;
  // `what` tells apart what is asked of one file. When it says nothing, it is
  // asked again.
  std::string Remember(const std::string& what, const std::string& path,
                       const std::function<std::string()>& find) const;

  // What stands in a folder, sorted, without "." and ".."; at most 65,536
  // names.
  virtual absl::StatusOr<std::vector<std::string>> List(
      std::string_view path) const;

  // What is known of a file without opening it. A symlink is followed as Read
  // would follow it.
  virtual absl::StatusOr<FileInfo> Stat(std::string_view path) const;

  // The same of a user's file below `home`; a symlink is reported, not
  // followed.
  virtual absl::StatusOr<FileInfo> StatBelow(std::string_view home,
                                             std::string_view path) const;

  // Whether anything stands at `path`. Only NotFound means no; any other reason
  // why it cannot be seen is an error.
  absl::StatusOr<bool> Exists(std::string_view path) const;

  // Where the symlink at `path` points, as it is written.
  virtual absl::StatusOr<std::string> ReadLink(std::string_view path) const;

  // A descriptor of a system folder, O_CLOEXEC, for a library that reads a
  // whole folder by itself; the caller closes it.
  virtual absl::StatusOr<int> OpenDirectory(std::string_view path) const;

  // What the program prints on standard output. argv[0] is an absolute path;
  // there is no shell, the environment is LC_ALL=C and PATH alone, standard
  // input is empty, no descriptor is inherited. A failure carries the
  // beginning of its standard error. NotFound when it is not installed,
  // InvalidArgument when it is called otherwise than these sentences allow.
  absl::StatusOr<std::string> Run(const std::vector<std::string>& argv,
                                  const RunOptions& options = {}) const;

  // The answers to one netlink dump request of `protocol` (netlink(7)):
  // messages with their headers, one after the other, up to NLMSG_DONE or, for
  // a request that is no dump, its acknowledgement. `name` says what is asked,
  // such as "tcp4"; a recorded host answers by it. An NLMSG_ERROR becomes a
  // status; a kernel without the protocol is Unimplemented. It must be asked
  // again each time, so a collector that uses it runs
  // in every cycle.
  virtual absl::StatusOr<std::string> Netlink(std::string_view name,
                                              int protocol,
                                              std::string_view request) const;

  // The same for an answer that is short and seldom another one: whether it
  // still is the same is asked in every cycle, and only if not the collector
  // runs again for it.
  absl::StatusOr<std::string> NetlinkIfOther(std::string_view name, int protocol,
                                             std::string_view request) const;

  // What the kernel says of itself.
  virtual absl::StatusOr<KernelFacts> Kernel() const;

  // The file system in which the folder stands (statvfs(3)).
  virtual absl::StatusOr<FileSystemRoom> FileSystem(
      std::string_view folder) const;

  // A connected socket to the system bus, O_CLOEXEC; the caller owns it.
  // NotFound when the host has no bus.
  virtual absl::StatusOr<int> Bus() const;

  // The heartbeat that is to be looked for, by the number in it; 0 for none. A
  // collector that asks for it runs again when it is another one.
  uint64_t Heartbeat() const;
  // Whether the collector has looked for the same one before.
  bool LookedForHeartbeat() const;
  void Expect(uint64_t heartbeat) { heartbeat_ = heartbeat; }

  // While it lives, nothing that is read is remembered: what is read then does
  // not decide whether the collector must run again.
  class Unrecorded {
   public:
    explicit Unrecorded(const Host& host);
    ~Unrecorded();

   private:
    const Host& host_;
    std::unique_ptr<Recording> recording_;
  };

  // Says that the collector looked at something that has no time of change, so
  // that it must run again in every cycle.
  void ReadLive() const;

  // Leaves `note` for the next run of the collector, under a name that is no
  // path; and what the last run left that ended, empty when there was none since
  // metsuke-collect was started.
  void Leave(const std::string& name, const std::string& note) const;
  std::string Left(const std::string& name) const;

  // From now on everything that is read is remembered, until TakeRecording
  // returns it. A program that `earlier` has an answer of, the inputs of which
  // are as they were, is not run again.
  void StartRecording(Recording earlier) const;
  Recording TakeRecording() const;

  // Whether everything in `recording` is as it was: what was missing is still
  // missing, what was there has the same inode, size and times.
  bool Unchanged(const Recording& recording) const;

 protected:
  // The bytes behind Read and ReadBelow (home is empty for a system file) and
  // Run; a recorded or hostile host in a test has its own.
  virtual absl::StatusOr<std::string> ReadAll(std::string_view home,
                                              std::string_view path,
                                              size_t cap) const;
  virtual absl::StatusOr<std::string> RunForBytes(
      const std::vector<std::string>& argv, const RunOptions& options) const;

  const boost::filesystem::path root_;

 private:
  // What was answered before, if it would be answered so again; else null.
  const v1::Answer* AnswerTo(const std::vector<std::string>& question) const;

  std::unique_ptr<const SafeTree> tree_;
  mutable std::unique_ptr<Recording> recording_, earlier_;
  uint64_t heartbeat_ = 0;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_HOST_H_
