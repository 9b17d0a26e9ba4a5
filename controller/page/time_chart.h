// Where the score and the drift of times stand in a chart.

#ifndef METSUKE_CONTROLLER_PAGE_TIME_CHART_H_
#define METSUKE_CONTROLLER_PAGE_TIME_CHART_H_

#include <cstdint>
#include <string>
#include <vector>

#include "controller/page/page.h"

namespace metsuke {

// A part of the chart's width, in percent of it.
struct Slot {
  double x = 0, width = 0;
};

// Places are shares of the chart in percent, from its upper left corner.
class TimeChart {
 public:
  // `times` must outlive it and not be empty; when they are `nightly`, one may
  // be missing between two of them.
  TimeChart(const std::vector<PageTime>& times, bool nightly);

  const std::vector<PageTime>& times() const { return times_; }
  int64_t from() const { return from_; }
  int64_t to() const { return to_; }

  double X(int64_t at) const;
  // The lower end for what has no score.
  double Y(double score) const;
  // The score at the lower end.
  double lowest() const { return lowest_; }
  // Pieces of the line, each "x,y x,y"; it breaks where a score is missing.
  std::vector<std::string> Lines() const;

  // From the end of the time before.
  Slot SlotOf(size_t i) const;
  // Nights without a report.
  std::vector<Slot> Gaps() const;

  // Of a bar, from the middle on; one that is there can be seen.
  double Height(int64_t count) const;
  // What the highest bar stands for, at least 1.
  int64_t most() const { return most_; }

 private:
  // When the time begins that one stands for.
  int64_t Begin(size_t i) const;
  bool IsAfterGap(size_t i) const;

  const std::vector<PageTime>& times_;
  const bool nightly_;
  const int64_t from_, to_;
  const double lowest_;
  const int64_t most_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PAGE_TIME_CHART_H_
