// A file descriptor that is closed at the end of its scope.

#ifndef METSUKE_AGENT_DESCRIPTOR_H_
#define METSUKE_AGENT_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace metsuke {

class Descriptor {
 public:
  Descriptor() = default;
  // Takes the descriptor over; negative is none.
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept
      : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }

  explicit operator bool() const { return number_ >= 0; }
  int get() const { return number_; }

 private:
  int number_ = -1;
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_DESCRIPTOR_H_
