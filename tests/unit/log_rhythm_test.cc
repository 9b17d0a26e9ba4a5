// Silences and steps of time among places, without any file.

#include "collectors/log_rhythm.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace metsuke {

void PrintTo(const Pause& pause, std::ostream* out) {
  *out << pause.since << "-" << pause.until;
}

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kMinute = 60, kHour = 3600, kDay = 24 * kHour;

class Places {
 public:
  explicit Places(std::vector<int64_t> times) : times_(std::move(times)) {}

  Rhythm Find(int64_t least) {
    looks_ = 0;
    size_t left = 4096;
    return FindPauses(times_.size(), least, left,
                      [&](size_t i) -> std::optional<LogPlace> {
                        ++looks_;
                        const int64_t time = times_[i];
                        if (time == 0) return {};
                        return LogPlace{time, time, 1, {}, 0};
                      });
  }
  size_t looks() const { return looks_; }

 private:
  std::vector<int64_t> times_;
  size_t looks_ = 0;
};

// A record every minute from 1000000 on.
std::vector<int64_t> EachMinute(size_t count) {
  std::vector<int64_t> times(count);
  for (size_t i = 0; i < count; ++i)
    times[i] = 1'000'000 + static_cast<int64_t>(i) * kMinute;
  return times;
}

// Without those from `since` on, before `until`.
std::vector<int64_t> Without(std::vector<int64_t> times, int64_t since,
                             int64_t until) {
  std::erase_if(times, [&](int64_t t) { return t >= since && t < until; });
  return times;
}

TEST(LogRhythm, FindsASilenceWhereverItIs) {
  const auto times = EachMinute(5000);
  for (size_t at = 1; at < 4900; at += 97)
    EXPECT_THAT(
        Places(Without(times, times[at], times[at] + kHour))
            .Find(kHour)
            .silences,
        ElementsAre(Pause{times[at - 1], times[at - 1] + kHour + kMinute}))
        << at;
}

TEST(LogRhythm, LooksAtLittleOfALargeLog) {
  Places places(EachMinute(100'000));  // 69 days
  EXPECT_THAT(places.Find(6 * kHour).silences, IsEmpty());
  EXPECT_LT(places.looks(), 1100u);
}

TEST(LogRhythm, PlacesWithoutARecordAreNone) {
  auto times = EachMinute(1000);
  for (size_t i = 300; i < 700; ++i) times[i] = 0;
  times.front() = times.back() = 0;
  const Rhythm rhythm = Places(times).Find(kHour);
  EXPECT_THAT(rhythm.silences, ElementsAre(Pause{times[299], times[700]}));
  EXPECT_EQ(rhythm.first, times[1]);
  EXPECT_EQ(rhythm.last, times[998]);
  EXPECT_FALSE(Places({0, 0, 0}).Find(kHour).first.has_value());
}

TEST(LogRhythm, WhatWasFoundStaysFoundWhileTheLogGrows) {
  auto times = EachMinute(4000);
  for (size_t i = 1500; i < times.size(); ++i) times[i] -= 5 * kHour;
  bool found = false;
  for (size_t size = 1600; size < times.size(); size += 31) {
    const auto steps =
        Places({times.begin(), times.begin() + static_cast<ptrdiff_t>(size)})
            .Find(kHour)
            .steps;
    if (found) {
      EXPECT_THAT(steps, ElementsAre(Pause{times[1499], times[1500]})) << size;
    }
    found = found || !steps.empty();
  }
  EXPECT_TRUE(found);
}

TEST(LogRhythm, GivesUpOnWhatTakesTooManyLooks) {
  std::vector<int64_t> times(10'000);
  for (size_t i = 0; i < times.size(); ++i)
    times[i] = 1 + static_cast<int64_t>(i) * kDay;
  const Rhythm rhythm = Places(times).Find(kHour);
  EXPECT_FALSE(rhythm.whole);
  EXPECT_LE(rhythm.silences.size(), 1000u);
  // Time goes back each day.
  for (size_t i = 1; i < times.size(); i += 2) times[i] -= kDay + kHour;
  Places back(times);
  EXPECT_TRUE(back.Find(kHour).irregular);
  EXPECT_LT(back.looks(), 4096u);
  // Where nothing has a time, neither its first nor its last is looked for on.
  for (const size_t at : {size_t{0}, size_t{9'999}}) {
    std::fill(times.begin(), times.end(), 0);
    times[at] = 1;
    Places places(times);
    EXPECT_FALSE(places.Find(kHour).whole);
    EXPECT_EQ(places.looks(), 4096u);
  }
}

// Of very many silences the longest are known, however they are parted.
TEST(LogRhythm, KeepsTheLongestOfVeryManySilences) {
  for (const size_t parts : {1, 3}) {
    std::vector<Rhythm> files(parts, Rhythm(kHour));
    int64_t time = 1'000'000;
    std::vector<Pause> long_ones;
    for (int64_t i = 0; i < 3000; ++i) {
      const int64_t length = i % 1000 == 7 ? 30 * kHour + i : kHour + i % 60;
      if (i % 1000 == 7) long_ones.push_back({time, time + length});
      time += length;
      files[static_cast<size_t>(i) * parts / 3000].Add(
          {time, time, 1, {{time, time + kHour}}, 0});
    }
    Rhythm all(kHour);
    for (const Rhythm& file : files) all.Append(file);
    EXPECT_GT(all.least, kHour);
    EXPECT_LT(all.least, 2 * kHour);
    EXPECT_LE(all.silences.size(), 1000u);
    std::erase_if(all.silences, [](const Pause& silence) {
      return Length(silence) < 2 * kHour;
    });
    EXPECT_EQ(all.silences, long_ones);
    EXPECT_EQ(all.records, 3000u);
  }
}

TEST(LogRhythm, KeepsThatManySilencesAsTheyAre) {
  Rhythm rhythm(kHour);
  for (int64_t i = 0; i <= 1000; ++i) rhythm.Add({i * kHour, i * kHour, 1, {}, 0});
  EXPECT_EQ(rhythm.silences.size(), 1000u);
  EXPECT_EQ(rhythm.least, kHour);
  // Of silences that are as long as each other none is kept, or all.
  rhythm.Add({1001 * kHour, 1001 * kHour, 1, {}, 0});
  EXPECT_THAT(rhythm.silences, IsEmpty());
  EXPECT_EQ(rhythm.least, kHour + 1);
}

TEST(LogRhythm, AStepIsWhereItIsHoweverFarItGoes) {
  const auto steps = Places({1000, 1010, 1020, 1000 - kStepBack}).Find(kHour).steps;
  EXPECT_THAT(steps, ElementsAre(Pause{1020, 1000 - kStepBack}));
}

TEST(LogRhythm, FilesArePutTogetherInAnyParts) {
  Rhythm older(kHour), newer(kHour), rest(kHour);
  older.Add({1000, 1000, 1, {}, 7});
  newer.Add({2000, 2000, 1, {}, 8});
  rest.Append(newer);
  older.Append(rest);
  EXPECT_THAT(older.boots, ElementsAre(Pause{1000, 2000}));
}

TEST(LogRhythm, TextThatPromisesMorePausesThanItHasIsNone) {
  EXPECT_TRUE(RhythmFromText("3600 0 1 1 1 0 0 2 1 2 3 4 0 0"));
  EXPECT_FALSE(RhythmFromText("3600 0 1 1 1 0 0 4 1 2 3 4 0 0"));
  EXPECT_FALSE(RhythmFromText("3600 0 1 1 1 0 0 0 0"));
}

TEST(LogRhythm, AYearBackIsAStepWhereYearsAreNamed) {
  for (const bool yearless : {false, true}) {
    Rhythm rhythm(kHour);
    for (const int64_t time : {400 * kDay, 40 * kDay, 39 * kDay})
      rhythm.Add({time, time, 1, {}, 0, yearless});
    EXPECT_EQ(rhythm.steps.size(), yearless ? 1u : 2u);
    const auto again = RhythmFromText(ToText(rhythm));
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->yearless, yearless);
  }
}

TEST(LogRhythm, ABootIsNoSilence) {
  Rhythm rhythm(kHour);
  rhythm.Add({1000, 1000, 1, {}, 7});
  rhythm.Add({1000 + kDay, 1000 + kDay, 1, {}, 8});
  Rhythm newer(kHour);
  newer.Add({1000 + 2 * kDay, 1000 + 2 * kDay, 1, {}, 8});
  newer.Add({1000 + 2 * kDay + 1, 1000 + 2 * kDay + 1, 1, {}, 8});
  rhythm.Append(newer);
  EXPECT_THAT(rhythm.boots, ElementsAre(Pause{1000, 1000 + kDay}));
  EXPECT_THAT(rhythm.silences,
              ElementsAre(Pause{1000 + kDay, 1000 + 2 * kDay}));
  EXPECT_EQ(rhythm.records, 4u);
  // As it is remembered.
  const auto again = RhythmFromText(ToText(rhythm));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(ToText(*again), ToText(rhythm));
  EXPECT_EQ(again->silences, rhythm.silences);
  EXPECT_EQ(again->boots, rhythm.boots);
  EXPECT_FALSE(RhythmFromText("").has_value());
  EXPECT_FALSE(RhythmFromText("1 1 1 1 1 1 1 9 1 1").has_value());
}

TEST(LogRhythm, FindsABootThatTookNoTime) {
  const auto times = EachMinute(1000);
  size_t left = 1000;
  const Rhythm rhythm = FindPauses(
      times.size(), 100 * kDay, left, [&](size_t i) -> std::optional<LogPlace> {
        return LogPlace{times[i], times[i], 1, {}, i < 333 ? 7u : 8u};
      });
  EXPECT_THAT(rhythm.boots, ElementsAre(Pause{times[332], times[333]}));
}

TEST(LogRhythm, WhileTheHostWasOffNothingIsMissing) {
  const std::vector<Pause> silence = {{10 * kHour, 50 * kHour}};
  EXPECT_EQ(WhileOn(silence, {}), silence);
  // Nobody knows since when.
  EXPECT_THAT(WhileOn(silence, {{0, 50 * kHour - 10}}),
              ElementsAre(Pause{50 * kHour - 10, 50 * kHour}));
  // It was shut down an hour after the last record, and booted two hours before
  // the first.
  EXPECT_THAT(WhileOn(silence, {{11 * kHour, 48 * kHour}}),
              ElementsAre(Pause{10 * kHour, 11 * kHour},
                          Pause{48 * kHour, 50 * kHour}));
  // Twice off.
  EXPECT_THAT(
      WhileOn(silence, {{10 * kHour, 20 * kHour}, {30 * kHour, 50 * kHour}}),
      ElementsAre(Pause{20 * kHour, 30 * kHour}));
  // Booted at another time, and right before a clock was set.
  EXPECT_EQ(WhileOn(silence, {{0, 9 * kHour}, {0, 60 * kHour}}), silence);
  EXPECT_THAT(WhileOn(silence, {{0, 10 * kHour - 60}}), IsEmpty());
}

class Silences : public testing::Test {
 protected:
  // Of a log that reaches over so many days.
  std::vector<Pause> Tell(int64_t days, std::vector<int64_t> lengths,
                          int64_t before = 10 * kDay) {
    Rhythm rhythm(6 * kMinute);
    rhythm.first = 1'000'000;
    rhythm.last = 1'000'000 + before + days * kDay;
    rhythm.records = records_;
    std::vector<Pause> silences;
    int64_t at = 1'000'000 + before;
    for (const int64_t length : lengths) {
      silences.push_back({at, at + length});
      at += length;
    }
    return FindImplausible(silences, rhythm);
  }
  size_t Told(int64_t days, std::vector<int64_t> lengths,
              int64_t before = 40 * kDay) {
    return Tell(days, std::move(lengths), before).size();
  }

  size_t records_ = 10'000;
};

TEST_F(Silences, OneThatIsFarBeyondAllOthersIsTold) {
  EXPECT_THAT(Tell(10, {20 * kMinute, 9 * kHour, 15 * kMinute}),
              ElementsAre(Pause{864'000 + 1'000'000 + 20 * kMinute,
                                864'000 + 1'000'000 + 20 * kMinute + 9 * kHour}));
  EXPECT_EQ(Told(10, {kHour, 9 * kHour}, kDay), 0u);
  EXPECT_EQ(Told(10, {kHour}), 1u);
  EXPECT_EQ(Told(10, {59 * kMinute}), 0u);
}

TEST_F(Silences, NightsAndWeekendsAreARhythm) {
  std::vector<int64_t> nights(28, 14 * kHour);
  EXPECT_EQ(Told(28, nights), 0u);
  nights.push_back(62 * kHour);
  EXPECT_EQ(Told(28, nights), 0u);
  nights.push_back(30 * kDay);
  EXPECT_EQ(Told(90, nights), 1u);
  // Beside a long holiday it is not told.
  nights.push_back(5 * kDay);
  EXPECT_EQ(Told(90, nights), 0u);
}

TEST_F(Silences, MoreThanThreeAreARhythm) {
  EXPECT_EQ(Told(30, {5 * kHour, 4 * kHour, 3 * kHour}), 3u);
  EXPECT_EQ(Told(30, {5 * kHour, 4 * kHour, 3 * kHour, 2 * kHour}), 0u);
  // Each takes a week of evidence.
  EXPECT_EQ(Told(18, {5 * kHour, 4 * kHour, 3 * kHour}, 2 * kDay), 0u);
  EXPECT_EQ(Told(18, {5 * kHour, 4 * kHour}, 2 * kDay), 2u);
  EXPECT_EQ(Told(5, {5 * kHour}, 2 * kDay), 0u);
  EXPECT_EQ(Told(6, {5 * kHour}, 2 * kDay), 1u);
}

TEST_F(Silences, AFewRecordsMakeNoRhythm) {
  records_ = 199;
  EXPECT_EQ(Told(30, {9 * kHour}), 0u);
  records_ = 200;
  EXPECT_EQ(Told(30, {9 * kHour}), 1u);
}

TEST_F(Silences, TheLogMustHaveGoneOnForAsLong) {
  EXPECT_EQ(Told(20, {11 * kDay}), 0u);
  EXPECT_EQ(Told(20, {10 * kDay}), 1u);
  EXPECT_EQ(Told(20, {9 * kDay}), 1u);
}

TEST_F(Silences, TheLogMustHaveBeenThereForAsLong) {
  EXPECT_EQ(Told(60, {9 * kDay}, 8 * kDay), 0u);
  EXPECT_EQ(Told(60, {9 * kDay}, 9 * kDay), 1u);
}

}  // namespace
}  // namespace metsuke
