// Feeds every collector, present and future, with bytes no host would print.
// The first byte picks the collector, the second which calls fail; the rest,
// cut at each 0x1E, is what files, programs and the kernel answer.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "proto/canonical.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

// A host that has an answer to everything.
class HostileHost : public Host {
 public:
  HostileHost(uint8_t failing, const std::string& bytes) : failing_(failing) {
    std::string piece;
    for (const char c : bytes + '\x1e')
      if (c == '\x1e')
        pieces_.push_back(std::move(piece)), piece.clear();
      else
        piece += c;
  }

  bool Running() const override { return true; }

  absl::StatusOr<std::string> ReadBytes(std::string_view path, int64_t offset,
                                        size_t length) const override {
    const std::string& piece = Answer(path);
    const int64_t size = static_cast<int64_t>(piece.size());
    if (offset < 0) offset = std::max<int64_t>(0, size + offset);
    return offset >= size ? "" : piece.substr(static_cast<size_t>(offset), length);
  }

  absl::StatusOr<std::vector<std::string>> List(
      std::string_view path) const override {
    std::vector<std::string> names;
    std::string name;
    for (const char c : Answer(path).substr(0, 512) + '\n') {
      if (c != '\n' && c != '/') {
        name += c;
      } else if (!name.empty() && name != "." && name != "..") {
        names.push_back(ToUtf8(name));
        name.clear();
      }
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::StatusOr<FileInfo> Stat(std::string_view path) const override {
    if (Fails(path)) return absl::NotFoundError("fuzz");
    const std::string& piece = Answer(path);
    const auto byte = [&](size_t i) -> uint8_t {
      return piece.empty() ? 0 : static_cast<uint8_t>(piece[i % piece.size()]);
    };
    FileInfo info{};
    info.kind = static_cast<FileInfo::Kind>(byte(0) % 6);
    info.inode = byte(1);
    info.size = static_cast<int64_t>(piece.size());
    info.modified = info.changed = static_cast<int64_t>(byte(2)) << (byte(3) % 60);
    info.mode = (byte(4) * 257u) & 07777;
    info.uid = byte(5) % 2 * 1000;
    info.gid = byte(6) % 2 * 1000;
    info.links = byte(7);
    return info;
  }
  absl::StatusOr<FileInfo> StatBelow(std::string_view home,
                                     std::string_view path) const override {
    return Stat(std::string(home) + "/" + std::string(path));
  }

  absl::StatusOr<std::string> ReadLink(std::string_view path) const override {
    return ToUtf8(Answer(path).substr(0, 255));
  }
  absl::StatusOr<int> OpenDirectory(std::string_view) const override {
    return absl::NotFoundError("fuzz");
  }
  absl::StatusOr<int> Bus() const override {
    return absl::NotFoundError("fuzz");
  }
  absl::StatusOr<std::string> Netlink(std::string_view name, int,
                                      std::string_view) const override {
    return Answer(name);
  }
  absl::StatusOr<KernelFacts> Kernel() const override {
    const std::string text = ToUtf8(Answer("kernel").substr(0, 64));
    return KernelFacts{text, text, text, failing_ % 2 == 0};
  }

 protected:
  absl::StatusOr<std::string> ReadAll(std::string_view, std::string_view path,
                                      size_t cap) const override {
    if (Fails(path)) return absl::PermissionDeniedError("fuzz");
    if (Answer(path).size() > cap) return absl::ResourceExhaustedError("fuzz");
    return Answer(path);
  }
  absl::StatusOr<std::string> RunForBytes(const std::vector<std::string>& argv,
                                          const RunOptions&) const override {
    if (Fails(argv[0])) return absl::UnavailableError("fuzz");
    return Answer(argv.back());
  }

 private:
  size_t Hash(std::string_view name) const {
    return std::hash<std::string_view>()(name);
  }
  const std::string& Answer(std::string_view name) const {
    return pieces_[Hash(name) % pieces_.size()];
  }
  bool Fails(std::string_view name) const {
    return failing_ != 0 && (Hash(name) >> 8) % 256 < failing_;
  }

  const uint8_t failing_;
  std::vector<std::string> pieces_;
};

}  // namespace
}  // namespace metsuke

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace metsuke;
  if (size < 2 || AllCollectors().empty()) return 0;
  const Collector& collector =
      AllCollectors()[data[0] % AllCollectors().size()];
  const HostileHost host(data[1], std::string(data + 2, data + size));
  v1::Snapshot snapshot;
  (void)collector.collect(host, snapshot);
  // What a collector adds must survive the wire, and come out the same.
  const auto* table = TableField(collector.table);
  const std::string canonical = CanonicalTable(snapshot, table);
  v1::Snapshot received;
  if (!received.ParseFromString(canonical) ||
      CanonicalTable(received, table) != canonical)
    std::abort();
  return 0;
}
