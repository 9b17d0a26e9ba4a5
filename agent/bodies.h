// The bodies of tables on disk: one file a digest, compressed by zstd
// (RFC 8878), so that a table that does not change is written once. The file's
// name is the digest in hexadecimal; what does not unpack to it is not a body.

#ifndef METSUKE_AGENT_BODIES_H_
#define METSUKE_AGENT_BODIES_H_

#include <boost/filesystem/path.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "agent/durable.h"
#include "collectors/descriptor.h"

namespace metsuke {

// Hands out the compressed bytes of one body in parts, so that a large one is
// never in memory as a whole.
class BodyReader {
 public:
  BodyReader(Descriptor file, uint64_t size, uint64_t compressed)
      : file_(std::move(file)), size_(size), left_(compressed) {}

  // Size of the canonical bytes.
  uint64_t size() const { return size_; }
  // The next part, at most `max` bytes; DataLoss when the file became shorter.
  absl::StatusOr<std::string> Part(size_t max);
  // Whether all parts were handed out.
  bool done() const { return left_ == 0; }

 private:
  Descriptor file_;
  uint64_t size_;
  uint64_t left_;
};

class Bodies {
 public:
  // The bodies in `folder`, which is made if need be.
  static absl::StatusOr<Bodies> Open(const boost::filesystem::path& folder);

  // Keeps `bytes`, whose SHA-256 is `digest`; nothing to do when they are
  // there already. Synced when it returns.
  absl::Status Put(const std::string& digest, std::string_view bytes);

  bool Has(const std::string& digest) const { return sizes_.contains(digest); }

  // The body, after all of it was unpacked and held against its digest.
  // NotFound when it is not there; a damaged one is removed and is DataLoss.
  absl::StatusOr<BodyReader> Read(const std::string& digest);

  // Removes the bodies that `wanted` does not speak for.
  void Retain(const std::function<bool(const std::string&)>& wanted);

  // What one of them takes on disk, in bytes; 0 when it is not there.
  uint64_t disk_bytes(const std::string& digest) const {
    const auto found = sizes_.find(digest);
    return found == sizes_.end() ? 0 : OnDisk(found->second);
  }
  // What all of them take.
  uint64_t disk_bytes() const { return disk_bytes_; }

 private:
  explicit Bodies(boost::filesystem::path folder)
      : folder_(std::move(folder)) {}
  boost::filesystem::path Path(const std::string& digest) const;
  void Remove(const std::string& digest);

  boost::filesystem::path folder_;
  // Compressed size by digest.
  std::map<std::string, uint64_t> sizes_;
  uint64_t disk_bytes_ = 0;
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_BODIES_H_
