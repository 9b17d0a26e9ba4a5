// An open file descriptor that closes itself.

#ifndef METSUKE_COLLECTORS_DESCRIPTOR_H_
#define METSUKE_COLLECTORS_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace metsuke {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) Close(std::exchange(fd_, other.Release()));
    return *this;
  }
  ~Descriptor() { Close(fd_); }

  // The number; -1 when there is none.
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  // Hands the descriptor to the caller, who closes it.
  int Release() { return std::exchange(fd_, -1); }

 private:
  static void Close(int fd) {
    if (fd >= 0) close(fd);
  }
  int fd_ = -1;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_DESCRIPTOR_H_
