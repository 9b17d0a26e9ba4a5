#include "collectors/recording.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cstring>
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

// Netlink messages without the socket and the request that they answer.
std::string WithoutAsker(std::string messages) {
  for (size_t at = 0; messages.size() - at >= NLMSG_HDRLEN;) {
    nlmsghdr header;
    memcpy(&header, messages.data() + at, sizeof header);
    header.nlmsg_pid = header.nlmsg_seq = 0;
    memcpy(messages.data() + at, &header, sizeof header);
    if (header.nlmsg_len < NLMSG_HDRLEN) break;
    at += std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), messages.size() - at);
  }
  return messages;
}

std::vector<std::string> QuestionOf(const v1::Answer& answer) {
  return {answer.argv().begin(), answer.argv().end()};
}

}  // namespace

Recording::Recording(v1::Recorded recorded) : recorded_(std::move(recorded)) {
  for (int i = 0; i < recorded_.answers_size(); ++i)
    answers_.emplace(QuestionOf(recorded_.answers(i)), i);
}

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
  recorded_.clear_questions();
  recorded_.set_live(true);
  known_.clear();
}

void Recording::Add(const Recording& other) {
  if (other.live()) SetLive();
  for (const v1::Sighting& sighting : other.ToProto().sightings())
    Add(sighting);
  if (!live())
    recorded_.mutable_questions()->MergeFrom(other.ToProto().questions());
}

void Recording::Asked(std::string_view name, int protocol,
                      std::string_view request,
                      const absl::StatusOr<std::string>& answer) {
  if (live()) return;
  v1::Question& question = *recorded_.add_questions();
  question.set_name(std::string(name));
  question.set_protocol(protocol);
  question.set_request(std::string(request));
  question.set_code(static_cast<int32_t>(answer.status().code()));
  if (answer.ok()) question.set_answer(WithoutAsker(*answer));
}

bool HasAnswer(const v1::Question& was,
               const absl::StatusOr<std::string>& answer) {
  return was.code() == static_cast<int32_t>(answer.status().code()) &&
         (!answer.ok() || was.answer() == WithoutAsker(*answer));
}

void Recording::Answered(const std::vector<std::string>& argv,
                         const std::string& output, const Recording& inputs) {
  if (inputs.live()) return;
  answers_.emplace(argv, recorded_.answers_size());
  v1::Answer& answer = *recorded_.add_answers();
  answer.mutable_argv()->Assign(argv.begin(), argv.end());
  answer.set_output(output);
  *answer.mutable_inputs() = inputs.ToProto();
}

const v1::Answer* Recording::AnswerTo(
    const std::vector<std::string>& argv) const {
  const auto found = answers_.find(argv);
  return found == answers_.end() ? nullptr : &recorded_.answers(found->second);
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
