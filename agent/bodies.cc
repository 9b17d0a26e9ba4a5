#include "agent/bodies.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <zstd.h>

#include <algorithm>
#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <memory>
#include <vector>

#include "proto/canonical.h"
#include "proto/status.h"

namespace metsuke {
namespace {

template <auto Function>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Function(object);
  }
};

// The digest that is a file's name; empty when it is no digest.
std::string DigestOfName(const std::string& name) {
  if (name.size() != 64) return "";
  std::string digest;
  for (size_t i = 0; i < name.size(); i += 2) {
    int byte = 0;
    for (const char c : {name[i], name[i + 1]}) {
      if (c >= '0' && c <= '9')
        byte = byte * 16 + c - '0';
      else if (c >= 'a' && c <= 'f')
        byte = byte * 16 + c - 'a' + 10;
      else
        return "";
    }
    digest += static_cast<char>(byte);
  }
  return digest;
}

absl::StatusOr<std::string> Compress(std::string_view bytes) {
  std::unique_ptr<ZSTD_CCtx, Deleter<ZSTD_freeCCtx>> context(ZSTD_createCCtx());
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size =
      ZSTD_compressCCtx(context.get(), packed.data(), packed.size(),
                        bytes.data(), bytes.size(), ZSTD_CLEVEL_DEFAULT);
  if (ZSTD_isError(size)) return absl::InternalError(ZSTD_getErrorName(size));
  packed.resize(size);
  return packed;
}

// Unpacks piece by piece; the size when the content is `digest`'s.
absl::StatusOr<uint64_t> Verify(int file, const std::string& digest) {
  std::unique_ptr<ZSTD_DCtx, Deleter<ZSTD_freeDCtx>> context(ZSTD_createDCtx());
  // What we packed needs no window beyond this; a damaged header may claim any.
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, 23);
  std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>> hash(EVP_MD_CTX_new());
  EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr);
  std::vector<char> packed(32768), plain(65536);
  uint64_t total = 0;
  size_t more = 1;
  for (ssize_t got; (got = read(file, packed.data(), packed.size())) != 0;) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, "read");
    ZSTD_inBuffer in{packed.data(), static_cast<size_t>(got), 0};
    ZSTD_outBuffer out{};
    // A full output buffer may hide more of it, also without new input.
    while (in.pos < in.size || (out.pos == out.size && more != 0)) {
      out = {plain.data(), plain.size(), 0};
      more = ZSTD_decompressStream(context.get(), &out, &in);
      if (ZSTD_isError(more))
        return absl::DataLossError(ZSTD_getErrorName(more));
      EVP_DigestUpdate(hash.get(), plain.data(), out.pos);
      total += out.pos;
    }
  }
  std::string found(32, '\0');
  EVP_DigestFinal_ex(hash.get(), reinterpret_cast<unsigned char*>(found.data()),
                     nullptr);
  if (more != 0) return absl::DataLossError("cut off");
  if (found != digest) return absl::DataLossError("digest does not match");
  return total;
}

}  // namespace

absl::StatusOr<std::string> BodyReader::Part(size_t max) {
  std::string part(std::min<uint64_t>(max, left_), '\0');
  size_t filled = 0;
  while (filled < part.size()) {
    const ssize_t got =
        read(file_.get(), part.data() + filled, part.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, "read body");
    if (got == 0) return absl::DataLossError("body became shorter");
    filled += got;
  }
  left_ -= part.size();
  return part;
}

boost::filesystem::path Bodies::Path(const std::string& digest) const {
  return folder_ / Hex(digest);
}

absl::StatusOr<Bodies> Bodies::Open(const boost::filesystem::path& folder) {
  RETURN_IF_ERROR(MakePrivateFolder(folder));
  Bodies bodies(folder);
  boost::system::error_code error;
  std::vector<boost::filesystem::path> foreign;
  for (boost::filesystem::directory_iterator it(folder, error), end;
       !error && it != end; it.increment(error)) {
    const std::string digest = DigestOfName(it->path().filename().string());
    const uint64_t size = boost::filesystem::file_size(it->path(), error);
    if (digest.empty() || error) {
      foreign.push_back(it->path());
      error.clear();
      continue;
    }
    bodies.sizes_[digest] = size;
    bodies.disk_bytes_ += OnDisk(size);
  }
  if (error) {
    return absl::UnavailableError(
        fmt::format("list {}: {}", folder.string(), error.message()));
  }
  // Left over from a write that was interrupted.
  for (const boost::filesystem::path& path : foreign) unlink(path.c_str());
  return bodies;
}

absl::Status Bodies::Put(const std::string& digest, std::string_view bytes) {
  if (Has(digest)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string packed, Compress(bytes));
  RETURN_IF_ERROR(WriteDurably(Path(digest), packed));
  sizes_[digest] = packed.size();
  disk_bytes_ += OnDisk(packed.size());
  return absl::OkStatus();
}

absl::StatusOr<BodyReader> Bodies::Read(const std::string& digest) {
  if (!Has(digest))
    return absl::NotFoundError(fmt::format("no body {}", Hex(digest)));
  Descriptor file(
      open(Path(digest).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  absl::StatusOr<uint64_t> size =
      file ? Verify(file.get(), digest)
           : absl::StatusOr<uint64_t>(absl::ErrnoToStatus(errno, "open"));
  struct stat info;
  if (!size.ok() || fstat(file.get(), &info) != 0 ||
      lseek(file.get(), 0, SEEK_SET) != 0) {
    Remove(digest);
    return absl::DataLossError(
        fmt::format("body {}: {}", Hex(digest),
                    size.ok() ? "cannot be read" : Message(size.status())));
  }
  return BodyReader(std::move(file), *size,
                    static_cast<uint64_t>(info.st_size));
}

void Bodies::Remove(const std::string& digest) {
  const auto found = sizes_.find(digest);
  if (found == sizes_.end()) return;
  unlink(Path(digest).c_str());
  disk_bytes_ -= OnDisk(found->second);
  sizes_.erase(found);
}

void Bodies::Retain(const std::function<bool(const std::string&)>& wanted) {
  std::vector<std::string> unwanted;
  for (const auto& [digest, size] : sizes_)
    if (!wanted(digest)) unwanted.push_back(digest);
  for (const std::string& digest : unwanted) Remove(digest);
}

}  // namespace metsuke
