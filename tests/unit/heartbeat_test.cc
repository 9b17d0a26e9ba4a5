#include "agent/heartbeat.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace metsuke {
namespace {

TEST(Heartbeat, HasAnotherNumberEachHour) {
  Heartbeat heartbeat;
  const uint64_t first = heartbeat.Beat(1'000'000);
  EXPECT_NE(first, 0u);
  EXPECT_EQ(heartbeat.Beat(1'003'599), first);
  // The line before is written by then, unless this machine is very slow.
  uint64_t second = first;
  for (int i = 0; i < 500 && second == first; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    second = heartbeat.Beat(1'003'600);
  }
  EXPECT_NE(second, first);
  EXPECT_NE(Heartbeat().Beat(1'000'000), first);
}

}  // namespace
}  // namespace metsuke
