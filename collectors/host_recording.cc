// How a Host remembers what was read of it.

#include <utility>

#include "collectors/host.h"
#include "collectors/recording.h"

namespace metsuke {

void Host::ReadLive() const {
  if (recording_ != nullptr) recording_->SetLive();
}

absl::StatusOr<std::string> Host::NetlinkIfOther(
    std::string_view name, int protocol, std::string_view request) const {
  const auto answer = [&] {
    const Unrecorded unrecorded(*this);
    return Netlink(name, protocol, request);
  }();
  if (recording_ != nullptr)
    recording_->Asked(name, protocol, request, answer);
  return answer;
}

void Host::Leave(const std::string& name, const std::string& note) const {
  if (recording_ != nullptr) recording_->Answered({name}, note, Recording());
}

std::string Host::Left(const std::string& name) const {
  const v1::Answer* const note = AnswerTo({name});
  return note == nullptr ? "" : note->output();
}

void Host::StartRecording(Recording earlier) const {
  recording_ = std::make_unique<Recording>();
  earlier_ = std::make_unique<Recording>(std::move(earlier));
}

Recording Host::TakeRecording() const {
  const std::unique_ptr<Recording> taken = std::move(recording_);
  earlier_ = nullptr;
  return taken == nullptr ? Recording() : std::move(*taken);
}

uint64_t Host::Heartbeat() const {
  if (recording_ != nullptr) recording_->LookedFor(heartbeat_);
  return heartbeat_;
}

bool Host::LookedForHeartbeat() const {
  return earlier_ != nullptr && heartbeat_ != 0 &&
         earlier_->ToProto().heartbeat() == heartbeat_;
}

Host::Unrecorded::Unrecorded(const Host& host)
    : host_(host), recording_(std::move(host.recording_)) {}

Host::Unrecorded::~Unrecorded() { host_.recording_ = std::move(recording_); }

const v1::Answer* Host::AnswerTo(
    const std::vector<std::string>& question) const {
  const v1::Answer* const known =
      earlier_ != nullptr ? earlier_->AnswerTo(question) : nullptr;
  const bool same = known != nullptr && Unchanged(Recording(known->inputs()));
  return same ? known : nullptr;
}

}  // namespace metsuke
