#include "controller/body_intake.h"

#include <fmt/format.h>

#include <utility>

#include "controller/store/body.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// Digests that are remembered of refused records.
constexpr size_t kMaxUnwanted = 1024;

}  // namespace

BodyIntake::Result BodyIntake::Take(const v1::Body& part) {
  Result result;
  if (Skip(part, result)) return result;
  result.fault = Add(part);
  if (!result.fault.empty()) {
    if (part.last())
      part_.reset();
    else
      skipped_ = part.digest();
    return result;
  }
  if (!part.last()) return result;
  result.body = std::exchange(part_, std::nullopt);
  wanted_.erase(result.body->digest);
  const absl::Status status = CheckBody(*result.body);
  if (!status.ok()) result.fault = Message(status);
  return result;
}

// Whether nothing waits for this part of a body.
bool BodyIntake::Skip(const v1::Body& part, Result& result) {
  const bool rest = !skipped_.empty() && part.digest() == skipped_;
  if (!rest && (part_ || wanted_.contains(part.digest()))) return false;
  // Once for a body, and not when the agent could not know better.
  result.unasked = !rest && unwanted_.erase(part.digest()) == 0;
  skipped_.clear();
  if (!part.last()) skipped_ = part.digest();
  return true;
}

// Adds a part to the body that is coming; why not, when it cannot be.
std::string BodyIntake::Add(const v1::Body& part) {
  if (part_ && (part.digest() != part_->digest ||
                part.table() != part_->table || part.size() != part_->size))
    return fmt::format("body of {}: its parts are mixed with others",
                       part_->table);
  const std::string& table = wanted_[part.digest()];
  if (part.table() != table)
    return fmt::format("body of {} sent for {}",
                       enc::Log(HostText(part.table().substr(0, 100))), table);
  if (part.size() > kMaxBodyBytes)
    return fmt::format("body of {}: {} bytes; {} at most", table, part.size(),
                       kMaxBodyBytes);
  held_bytes_ += part.zstd().size();
  if (held_bytes_ > kMaxHeldBytes)
    return fmt::format("its bodies have more than {} bytes when compressed",
                       kMaxHeldBytes);
  if (!part_)
    part_ =
        TableBody{.digest = part.digest(), .table = table, .size = part.size()};
  part_->zstd += part.zstd();
  return "";
}

void BodyIntake::Drop() {
  if (unwanted_.size() >= kMaxUnwanted) unwanted_.clear();
  for (const auto& [digest, table] : wanted_)
    if (!part_ || digest != part_->digest) unwanted_.insert(digest);
  if (part_ && skipped_.empty()) skipped_ = part_->digest;
  part_.reset();
  held_bytes_ = 0;
  wanted_.clear();
}

}  // namespace metsuke
