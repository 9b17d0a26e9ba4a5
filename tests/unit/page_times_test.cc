// When hosts turned, and where that is drawn.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/page/template.h"
#include "controller/page/time_chart.h"
#include "controller/page/times.h"
#include "controller/page/view.h"
#include "tests/page/fleet.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int64_t kHour = 3600, kDay = 86400;

size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at)
    ++count;
  return count;
}

std::string Between(const std::string& text, const std::string& begin,
                    const std::string& end) {
  const size_t first = text.find(begin);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find(end, first) - first);
}

std::string TrendOf(const std::string& html) {
  return Between(html, "id=\"trend\"", "</section>");
}

std::string DriftOf(const std::string& trend) {
  return Between(trend, "<div class=\"plot drift\">", "</div>");
}

// Six nights, of which the second has no report.
class PageTimes : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    fleet_ = new PageFleet(folder_->path(), 30, 6);
  }
  static void TearDownTestSuite() {
    delete fleet_;
    delete folder_;
  }

  static absl::StatusOr<Page> Times(const HostFilter& hosts, int64_t from,
                                    int64_t to) {
    const auto made = MakeReport(
        fleet_->Sources(),
        {.day = "", .hosts = hosts, .from = from, .to = to, .behind = {}});
    if (!made.ok()) return made.status();
    Page page;
    page.report = made->report;
    const absl::Status added = AddTimes(fleet_->Sources(), hosts, page);
    if (!added.ok()) return added;
    return page;
  }

  static TemporaryFolder* folder_;
  static PageFleet* fleet_;
};

TemporaryFolder* PageTimes::folder_;
PageFleet* PageTimes::fleet_;

TEST_F(PageTimes, DriftIsDrawnOverTheSameNights) {
  const std::string trend = TrendOf(fleet_->Make(Language::kEnglish).html);
  // A listener came in the last night; updates went in that without a report,
  // which the next one tells of.
  EXPECT_EQ(CountOf(DriftOf(trend), "<rect class=\"worse\""), 1u);
  EXPECT_GE(CountOf(DriftOf(trend), "<rect class=\"better\""), 1u);
  EXPECT_EQ(CountOf(DriftOf(trend), "<rect class=\"u\""), 1u);
  EXPECT_THAT(trend, HasSubstr("2026-01-07 00:00 to 2026-01-08 00:00 · score"));
  EXPECT_THAT(trend, HasSubstr("2026-01-03 00:00 to 2026-01-05 00:00 · score"));
  EXPECT_EQ(CountOf(trend, "class=\"facts\""), 0u);
}

TEST_F(PageTimes, APartDividesItsOwnTime) {
  const MadePage made = fleet_->MakeOf({.selector = "", .host = "web-0003"}, 1,
                                       Language::kEnglish);
  const std::string trend = TrendOf(made.html);
  // The instant it begins at, and its hours.
  EXPECT_EQ(CountOf(trend, "<tr><td>"), 25u);
  EXPECT_EQ(CountOf(DriftOf(trend), "<rect class=\"worse\""), 1u);
  // It told of its listener at four in the afternoon.
  EXPECT_THAT(trend, HasSubstr("<tr><td>2026-01-07 16:00<td>"));
  const auto page = Times({.selector = "", .host = "web-0003"},
                          PageFleet::end() - kDay, PageFleet::end());
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_FALSE(page->nightly);
  for (const PageTime& time : page->times) {
    if (time.from == time.to) continue;
    const bool came = time.to == PageFleet::end() - 8 * kHour;
    EXPECT_EQ(time.worse > 0, came) << time.to;
    EXPECT_EQ(time.facts > 0, came) << time.to;
    EXPECT_EQ(time.to - time.from, kHour);
  }
  EXPECT_EQ(CountOf(trend, "class=\"facts\""), 2u);  // and the legend's
  EXPECT_THAT(made.html, HasSubstr("Nights tell of the whole fleet"));
}

TEST_F(PageTimes, WhereNothingWasJudgedTheDriftIsNotKnown) {
  const MadePage made = fleet_->MakeOf({.selector = "zone=osaka", .host = ""},
                                       30, Language::kEnglish);
  const std::string trend = TrendOf(made.html);
  EXPECT_EQ(CountOf(trend, "<tr><td>"), 31u);  // days
  EXPECT_GT(CountOf(DriftOf(trend), "<rect class=\"u\""), 20u);
  EXPECT_THAT(trend, HasSubstr("drift not known"));
}

TEST_F(PageTimes, AHostThatWasNotThereYetIsNotAnError) {
  // It joined in the last night but one.
  const auto page = Times({.selector = "", .host = "app-0028"},
                          PageFleet::end() - 4 * kDay, PageFleet::end());
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->times.front().worse, -1);
  EXPECT_EQ(page->times[1].worse, -1);
  EXPECT_EQ(page->times[1].hosts, 0u);
  EXPECT_GE(page->times.back().worse, 0);
}

TEST_F(PageTimes, BeforeThereAreNightsTheWholeFleetDividesItsTime) {
  const int64_t first = PageFleet::end() - 5 * kDay;
  const auto page = Times({}, first - kDay, first);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_FALSE(page->nightly);
  EXPECT_EQ(page->times.size(), 25u);
}

TEST_F(PageTimes, WhatCameSinceTheLastNightIsTheLastColumn) {
  const int64_t end = PageFleet::end();
  const auto page = Times({}, end + 9 * kHour, end + 10 * kHour);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_TRUE(page->nightly);
  EXPECT_EQ(page->times.back().to, end + 10 * kHour);
  EXPECT_EQ(page->times.back().from, end + 9 * kHour);
  EXPECT_EQ(page->times.back().worse, 0);
  const TimeChart chart(page->times, true);
  // The missing night, and the hours that nobody told of.
  ASSERT_EQ(chart.Gaps().size(), 2u);
  EXPECT_NEAR(chart.Gaps()[1].x, chart.X(end), 1e-6);
  EXPECT_NEAR(chart.Gaps()[1].width / chart.SlotOf(5).width, 9, 1e-6);
}

TEST_F(PageTimes, WhatNightsHaveToldIsNotToldTwice) {
  const int64_t end = PageFleet::end();
  const auto page = Times({}, end - 3 * kDay, end + 10 * kHour);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_TRUE(page->nightly);
  EXPECT_EQ(page->times.back().from, end);
  EXPECT_EQ(page->times.back().worse, -1);
  EXPECT_EQ(page->times.back().better, -1);
  EXPECT_GE(page->times.back().score, 0);
}

TEST(TimeChart, WhatIsThereCanBeSeen) {
  const std::vector<PageTime> times = {
      {.from = 0, .to = kDay, .score = 90, .worse = 0, .better = 12000},
      {.from = kDay, .to = 2 * kDay, .score = -1, .worse = 1, .better = 0},
      {.from = 2 * kDay, .to = 3 * kDay, .score = 100, .worse = 2}};
  const TimeChart chart(times, true);
  EXPECT_EQ(chart.most(), 12000);
  EXPECT_GE(chart.Height(1), 1);
  EXPECT_LE(chart.Height(12000), 50);
  EXPECT_EQ(chart.Lines().size(), 2u);  // no score in between
  EXPECT_NEAR(chart.SlotOf(1).x, 100.0 / 3, 1e-6);
  EXPECT_TRUE(chart.Gaps().empty());
}

TEST(TimeChart, TheNightBeforeALongOneIsMissing) {
  // The clock was put back in the first, which makes no gap of it.
  const std::vector<PageTime> times = {
      {.from = 0, .to = kDay, .score = 90},
      {.from = kDay, .to = 2 * kDay + kHour, .score = 90},
      {.from = 2 * kDay + kHour, .to = 4 * kDay + kHour, .score = 90}};
  const TimeChart chart(times, true);
  ASSERT_EQ(chart.Gaps().size(), 1u);
  EXPECT_NEAR(chart.Gaps()[0].x, chart.X(2 * kDay + kHour), 1e-6);
  EXPECT_NEAR(chart.Gaps()[0].x + chart.Gaps()[0].width,
              chart.X(3 * kDay + kHour), 1e-6);
}

TEST(TimeChart, WithoutAnyTimeTheRestOfThePageIsThere) {
  const auto html =
      PageTemplate::BuiltIn().Render(PageView(Page(), Language::kEnglish));
  ASSERT_TRUE(html.ok()) << html.status();
  EXPECT_THAT(*html, HasSubstr("There is no time yet to show."));
  EXPECT_THAT(*html, Not(HasSubstr("class=\"touches\"")));
}

}  // namespace
}  // namespace metsuke
