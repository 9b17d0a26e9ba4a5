// The formats that logs are compressed in, each turned back into what it holds
// block by block, in the same memory for a file of any size.

#ifndef METSUKE_COLLECTORS_UNPACKER_H_
#define METSUKE_COLLECTORS_UNPACKER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace metsuke {

// What turns packed bytes into blocks of what they hold. A file may have
// several members, one behind the other: they are unpacked as one.
class Unpacker {
 public:
  static constexpr size_t kBlock = 32 << 10;

  virtual ~Unpacker() = default;

  enum class Result { kGood, kBad, kTooLarge };

  // Fills `block` from `packed`, of which it takes off what it used: one of the
  // two to its end, or up to the end of a member. kBad when the bytes are none
  // of its format, kTooLarge when more memory than is allowed would be needed.
  Result Fill(std::string_view& packed, std::string& block);

  // Whether a member has ended and none has begun since.
  bool ended() const { return ended_; }

 protected:
  enum class Step { kOn, kEnd, kBad, kTooLarge };

  // The same with room for a block; `block` is cut to what it was filled with.
  virtual Step Unpack(std::string_view& packed, std::string& block) = 0;

 private:
  bool ended_ = false;
};

// One for .gz, .xz, .bz2 or .zst, by how the name ends; nullptr for others.
std::unique_ptr<Unpacker> UnpackerOf(std::string_view name);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_UNPACKER_H_
