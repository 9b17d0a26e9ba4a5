#include "collectors/audit_files.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "collectors/log_names.h"
#include "collectors/log_retention.h"
#include "collectors/unpack.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// What is unpacked of one file; auditd's own are 8 MB unless told otherwise.
constexpr size_t kMostUnpacked = 64 << 20;

// The oldest first: by their numbers, or, where something else than auditd
// rotates, by their last change, which what compresses them keeps.
void Sort(const std::string& current, std::vector<AuditFile>& files) {
  const bool numbered = std::ranges::all_of(files, [&](const AuditFile& file) {
    return RotationOf(file.path, current).has_value();
  });
  std::ranges::sort(files, {}, [&](const AuditFile& file) {
    const int number = RotationOf(file.path, current).value_or(1);
    return std::tuple(number == 0,
                      numbered ? -int64_t{number} : file.info.modified,
                      file.info.modified_nanos, file.path);
  });
}

}  // namespace

absl::StatusOr<std::vector<AuditFile>> FindAuditFiles(const Host& host) {
  const auto conf = host.Read("/etc/audit/auditd.conf");
  if (!conf.ok() && !absl::IsNotFound(conf.status())) return conf.status();
  const std::string path =
      conf.ok() ? ReadAuditdConf(*conf).path : AuditLog().path;
  const size_t slash = path.rfind('/');
  if (slash == path.npos)
    return absl::InvalidArgumentError(
        "/etc/audit/auditd.conf: log_file is no absolute path");
  const std::string folder = path.substr(0, std::max<size_t>(slash, 1));
  const std::string name = path.substr(slash + 1);
  ASSIGN_OR_RETURN(const auto names, host.List(folder));
  std::vector<AuditFile> files;
  for (const std::string& other : names) {
    if (other != name && (!other.starts_with(name) || LogBase(other) != name))
      continue;
    // What is being compressed is there twice.
    if (IsPacked(other) &&
        std::ranges::find(names, other.substr(0, other.rfind('.'))) !=
            names.end())
      continue;
    const std::string file = path.substr(0, slash + 1) + other;
    const auto info = host.Stat(file);
    // It may have been rotated away since.
    if (absl::IsNotFound(info.status())) continue;
    RETURN_IF_ERROR(info.status());
    files.push_back({file, *info});
  }
  if (files.empty()) return absl::NotFoundError(path + ": not there");
  Sort(path, files);
  return files;
}

absl::StatusOr<std::string> AuditFileReader::Read(const AuditFile& file,
                                                  uint64_t at, size_t length) {
  if (!IsPacked(file.path))
    return host_.ReadBytes(file.path, static_cast<int64_t>(at), length);
  RETURN_IF_ERROR(Unpack(file));
  return at < bytes_.size() ? bytes_.substr(at, length) : "";
}

uint64_t AuditFileReader::SizeOf(const AuditFile& file) {
  if (!IsPacked(file.path)) return static_cast<uint64_t>(file.info.size);
  return Unpack(file).ok() ? bytes_.size() : 0;
}

std::string AuditFileReader::Missing(const AuditFile& file) const {
  return unpacked_ == file.path ? missing_ : "";
}

// Down to where it may be torn.
absl::Status AuditFileReader::Unpack(const AuditFile& file) {
  if (unpacked_ == file.path) return absl::OkStatus();
  bytes_.clear();
  unpacked_ = file.path;
  size_t left = kMostUnpacked;
  const absl::Status unpacked = UnpackBlocks(
      host_, file.path, left, [&](std::string_view block) { bytes_ += block; });
  missing_ = Message(unpacked);
  if (unpacked.ok() || absl::IsInvalidArgument(unpacked) ||
      absl::IsDataLoss(unpacked) ||
      absl::IsResourceExhausted(unpacked) || absl::IsUnimplemented(unpacked))
    return absl::OkStatus();
  unpacked_.clear();
  return unpacked;
}

}  // namespace metsuke
