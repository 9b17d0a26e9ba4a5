#include "agent/look_times.h"

#include <gtest/gtest.h>

namespace metsuke {
namespace {

using std::chrono::seconds;

TEST(LookTimes, TheFirstLookIsDueAtOnceAndTheOthersByTheInterval) {
  LookTimes times;
  const LookTimes::Clock::time_point now(seconds(1000));
  EXPECT_LE(times.next(), now);
  times.Follow(seconds(300), 1.1);
  EXPECT_LE(times.next(), now);
  times.Begin(now, 1.1);
  EXPECT_EQ(times.next(), now + seconds(330));
}

TEST(LookTimes, AShorterIntervalCountsFromTheLookThatHasBegun) {
  LookTimes times;
  const LookTimes::Clock::time_point now(seconds(1000));
  times.Follow(seconds(300), 1);
  times.Begin(now, 1);
  times.Follow(seconds(60), 0.9);
  EXPECT_EQ(times.next(), now + seconds(54));
  times.Follow(seconds(60), 0.5);
  EXPECT_EQ(times.next(), now + seconds(54)) << "nothing new was said";
  times.Follow(seconds(3600), 1);
  EXPECT_EQ(times.next(), now + seconds(54)) << "that one is promised";
  times.Begin(now + seconds(54), 1);
  EXPECT_EQ(times.next(), now + seconds(3654));
}

TEST(LookTimes, ALookIsHastenedAndNeverPutOff) {
  LookTimes times;
  const LookTimes::Clock::time_point now(seconds(1000));
  times.Follow(seconds(300), 1);
  times.Begin(now, 1);
  times.Hasten(seconds(400));
  EXPECT_EQ(times.next(), now + seconds(300));
  times.Hasten(seconds(30));
  EXPECT_EQ(times.next(), now + seconds(30));
  times.Want(now + seconds(5));
  EXPECT_EQ(times.next(), now + seconds(5));
}

}  // namespace
}  // namespace metsuke
