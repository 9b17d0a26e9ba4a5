#include "collectors/event_sums.h"

#include <fmt/format.h>

#include <utility>

#include "proto/event_sum.h"

namespace metsuke {
namespace {

// Sums that are told apart at once.
constexpr size_t kMostSums = 300;
// A process that says the same again this much later means something else, and
// so does one that has got the number of one that is gone.
constexpr int64_t kSameBreath = 5;      // seconds
constexpr int64_t kOneConnection = 600; // seconds

bool IsFailure(const v1::Event& event) { return event.kind() == "login_failed"; }

// sshd tells of a try by PAM what PAM said, and of some tries its own verdict
// right after.
bool IsByPam(const v1::Event& event) {
  return event.service() == "ssh" && event.method() == "keyboard-interactive/pam";
}

// Whose sums are counted together: a user's, or those of all clients of a
// service.
std::string AboutOf(const v1::Event& event) {
  const std::string about =
      fmt::format("{}\n{}\n", event.kind(), event.login_account());
  if (!IsFailure(event)) return about;
  return about + (event.actor().empty() ? event.service() : event.actor());
}

// Makes one of what would be too many.
void Blur(v1::Event& event) {
  if (IsFailure(event)) {
    event.clear_account();
    event.set_detail("of many accounts");
  } else {
    event.clear_service();
    event.set_detail("many others");
  }
}

bool SameWords(const v1::Event& a, const v1::Event& b) {
  return a.kind() == b.kind() && a.service() == b.service() &&
         a.account() == b.account() && a.detail() == b.detail() &&
         b.time() - a.time() <= kSameBreath;
}

// Whether sudo says that a program has ended which `begun` tells of.
bool IsEndOf(const v1::Event& begun, const v1::Event& event) {
  return event.session() == begun.session() &&
         event.account() == begun.account() && event.actor() == begun.actor() &&
         event.detail() == begun.detail() + ", ended";
}

}  // namespace

void EventSums::Add(v1::Event event, uint64_t process) {
  if (IsFailure(event)) {
    // A client that leaves after its tries has not tried once more by that, nor
    // has one that is told a second time why it is not let in.
    const auto before = failed_.find(process);
    const bool ends = event.method() == "none" ||
                      (event.service() == "ssh" && event.method() == "policy");
    if (ends && before != failed_.end() &&
        event.time() - before->second <= kOneConnection)
      return;
    if (IsByPam(event) && SaidByPam(event, process)) return;
    failed_[process] = event.time();
    return AddToSum(std::move(event));
  }
  if (IsSummed(event)) return AddToSum(std::move(event));
  if (event.kind() == "account") {
    const auto [last, first] = said_.try_emplace(process, events_.size());
    if (!first && SameWords(events_[last->second], event)) return;
    last->second = events_.size();
  }
  if (event.kind() == "login" && event.service() == "sudo") {
    const auto [begun, first] = ran_.try_emplace(process, events_.size());
    if (!first && IsEndOf(events_[begun->second], event)) return;
    begun->second = events_.size();
  }
  events_.push_back(std::move(event));
}

bool EventSums::SaidByPam(const v1::Event& event, uint64_t process) {
  if (!event.detail().empty()) {  // only PAM has words for it
    said_by_pam_[process] = event.time();
    return false;
  }
  const auto said = said_by_pam_.find(process);
  if (said == said_by_pam_.end()) return false;
  const bool same = event.time() - said->second <= kSameBreath;
  said_by_pam_.erase(said);
  return same;
}

void EventSums::AddToSum(v1::Event event) {
  size_t& apart = told_apart_[AboutOf(event)];
  // Who changed what is recorded is always told.
  if (apart >= kMostSums && event.kind() != "recorder" &&
      !sums_.contains(SumKey(event)))
    Blur(event);
  const std::string key = SumKey(event);
  const auto [known, added] = sums_.try_emplace(key, events_.size());
  if (added) {
    ++apart;
    return events_.push_back(std::move(event));
  }
  metsuke::AddToSum(event, events_[known->second]);
}

std::vector<v1::Event> EventSums::Take() {
  sums_.clear();
  told_apart_.clear();
  said_.clear();
  failed_.clear();
  said_by_pam_.clear();
  ran_.clear();
  return std::exchange(events_, {});
}

}  // namespace metsuke
