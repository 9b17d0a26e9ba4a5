#include "collectors/recording.h"

#include <algorithm>
#include <ctime>

namespace metsuke {
namespace {

constexpr int64_t kNanos = 1'000'000'000;
constexpr size_t kMaxSightings = 20'000;

int64_t NowNanos() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * kNanos + now.tv_nsec;
}

}  // namespace

v1::Sighting Signature(const absl::StatusOr<FileInfo>& info) {
  v1::Sighting sighting;
  sighting.set_code(static_cast<int32_t>(info.status().code()));
  if (!info.ok()) return sighting;
  sighting.set_device(info->device);
  sighting.set_inode(info->inode);
  sighting.set_size(info->size);
  sighting.set_modified(info->modified * kNanos + info->modified_nanos);
  sighting.set_changed(info->changed * kNanos + info->changed_nanos);
  return sighting;
}

void Recording::SetLive() {
  recorded_.clear_sightings();
  recorded_.set_live(true);
  known_.clear();
}

void Recording::Add(const Recording& other) {
  if (other.live()) SetLive();
  for (const v1::Sighting& sighting : other.ToProto().sightings())
    Add(sighting);
}

void Recording::Answered(const std::vector<std::string>& argv,
                         const std::string& output, const Recording& inputs) {
  if (inputs.live()) return;
  v1::Answer& answer = *recorded_.add_answers();
  answer.mutable_argv()->Assign(argv.begin(), argv.end());
  answer.set_output(output);
  *answer.mutable_inputs() = inputs.ToProto();
}

const v1::Answer* Recording::AnswerTo(
    const std::vector<std::string>& argv) const {
  for (const v1::Answer& answer : recorded_.answers())
    if (std::ranges::equal(answer.argv(), argv)) return &answer;
  return nullptr;
}

void Recording::Saw(std::string_view home, std::string_view path,
                    bool followed, const absl::StatusOr<FileInfo>& info) {
  if (live()) return;
  v1::Sighting sighting = Signature(info);
  if (info.ok() && NowNanos() - sighting.changed() < kNanos) return SetLive();
  sighting.set_home(std::string(home));
  sighting.set_path(std::string(path));
  sighting.set_followed(followed);
  Add(sighting);
}

// A file that was read twice and changed in between stays in with both
// signatures, one of which no longer holds.
void Recording::Add(const v1::Sighting& sighting) {
  if (live() || !known_.insert(sighting.SerializeAsString()).second) return;
  if (known_.size() > kMaxSightings) return SetLive();
  *recorded_.add_sightings() = sighting;
}

}  // namespace metsuke
