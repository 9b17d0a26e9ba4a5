#include "proto/event_sum.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace metsuke {
namespace {

constexpr int64_t kWindow = 600;  // seconds

bool IsFailure(const v1::Event& event) {
  return event.kind() == "login_failed";
}

bool IsOfAudit(const v1::Event& event) { return event.source() == "audit"; }

// How little a word is worth.
int Weakness(const std::string& source) {
  return source == "user" ? 2 : source == "root" ? 1 : 0;
}

}  // namespace

bool IsSummed(const v1::Event& event) {
  // What the kernel records of a program may be very many records.
  return IsFailure(event) || (IsOfAudit(event) && (event.kind() == "file" ||
                                                   event.kind() == "command" ||
                                                   event.kind() == "recorder"));
}

int64_t SumWindow(const v1::Event& event) { return event.time() / kWindow; }

std::string SumKey(const v1::Event& event) {
  // Two recorders tell of the same refusal of su and sudo: that is not twice.
  return fmt::format(
      "{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", SumWindow(event), event.kind(),
      IsOfAudit(event), event.service(), event.account(), event.actor(),
      event.from(), event.method(), event.login_account(),
      IsFailure(event) && event.method() != "policy" ? "" : event.detail());
}

void AddToSum(const v1::Event& event, v1::Event& sum) {
  // A sum is worth what the weakest of its parts is.
  if (Weakness(event.source()) > Weakness(sum.source()))
    sum.set_source(event.source());
  // Hosts say how many they are.
  const uint64_t room = std::numeric_limits<uint64_t>::max() - sum.count();
  sum.set_count(sum.count() + std::min(event.count(), room));
}

}  // namespace metsuke
