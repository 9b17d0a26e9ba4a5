#include "collectors/log_rhythm.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <functional>

#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr int64_t kWeek = 7 * 86400;
constexpr size_t kFewestRecords = 200;
// Of one file.
constexpr size_t kMostPauses = 1000;
// A stamp without a year is taken for one of the last twelve months.
constexpr int64_t kOtherYear = 180 * 86400;

class Search {
 public:
  using Look = std::function<std::optional<LogPlace>(size_t)>;
  Search(int64_t least, size_t& left, const Look& look)
      : found_(least), left_(left), look_(look) {}

  Rhythm Run(size_t count) {
    size_t begin = 0, end = count;
    std::optional<LogPlace> first, last;
    while (begin < end && GoesOn() && !(first = At(begin))) ++begin;
    if (!first) return std::move(found_);
    found_.Add(*first);
    while (end > begin + 1 && GoesOn() && !(last = At(end - 1))) --end;
    if (last) {
      Between(begin, end - 1, *last);
      found_.Add(*last);
    }
    // So many records has a place, so many all of them.
    found_.records = static_cast<size_t>(
        static_cast<double>(found_.records) * static_cast<double>(count) /
        static_cast<double>(seen_));
    return std::move(found_);
  }

 private:
  bool GoesOn() const { return found_.whole && !found_.irregular; }

  std::optional<LogPlace> At(size_t place) {
    if (left_ == 0) {
      found_.whole = false;
      return {};
    }
    --left_;
    auto seen = look_(place);
    if (seen) ++seen_;
    return seen;
  }

  // What stands between the place that was added last and that of `after`.
  void Between(size_t low, size_t high, const LogPlace& after) {
    while (high - low > 1 && GoesOn()) {
      const int64_t time = after.first - *found_.last;
      if (time < found_.least && time > -kStepBack && found_.boot == after.boot)
        return;
      // The one that more powers of two divide than any other in between.
      const size_t bit = std::bit_floor(low ^ (high - 1));
      const size_t middle = (high - 1) & ~(bit - 1);
      // Or, where that has no record, the next one that has.
      size_t at = middle;
      std::optional<LogPlace> place;
      while (at < high && GoesOn() && !(place = At(at))) ++at;
      if (!place) {
        high = middle;
        continue;
      }
      Between(low, middle, *place);
      found_.Add(*place);
      low = at;
    }
  }

  Rhythm found_;
  size_t& left_;
  const Look& look_;
  size_t seen_ = 0;
};

void Put(std::string& text, const std::vector<Pause>& pauses) {
  text += fmt::format(" {}", pauses.size());
  for (const Pause& pause : pauses)
    text += fmt::format(" {} {}", pause.since, pause.until);
}

// Whether `off` ends in it. Clocks are set after a boot, and loggers begin a
// little later.
bool EndsIn(const Pause& silence, const Pause& off) {
  return off.until >= silence.since - kStepBack &&
         off.until <= silence.until + kStepBack;
}

}  // namespace

void Rhythm::Join(int64_t next, uint64_t next_boot, bool next_yearless) {
  if (!last) return;
  const Pause pause{*last, next};
  if (boot != 0 && next_boot != 0 && boot != next_boot)
    boots.push_back(pause);
  else if (Length(pause) >= least)
    silences.push_back(pause);
  else if (Length(pause) <= -kStepBack && !(Length(pause) <= -kOtherYear &&
                                            (yearless || next_yearless)))
    steps.push_back(pause);
}

void Rhythm::Add(const LogPlace& place) {
  Join(place.first, place.boot, place.yearless);
  for (const Pause& pause : place.pauses) {
    if (Length(pause) >= least)
      silences.push_back(pause);
    else if (Length(pause) < 0 &&
             !(place.yearless && Length(pause) <= -kOtherYear))
      steps.push_back(pause);
  }
  if (!first) first = place.first, first_boot = place.boot;
  last = place.last;
  boot = place.boot;
  yearless = yearless || place.yearless;
  irregular = irregular || steps.size() > kMostPauses;
  records += place.records;
  RaiseLeast();
}

// Leaves the longest, all of them.
void Rhythm::RaiseLeast() {
  if (silences.size() > kMostPauses) {
    std::vector<int64_t> lengths;
    for (const Pause& silence : silences) lengths.push_back(Length(silence));
    const auto middle = lengths.begin() + kMostPauses / 2;
    std::ranges::nth_element(lengths, middle, std::greater());
    least = *middle + 1;
  }
  std::erase_if(silences,
                [&](const Pause& silence) { return Length(silence) < least; });
}

void Rhythm::Append(const Rhythm& newer) {
  whole = whole && newer.whole;
  irregular = irregular || newer.irregular;
  least = std::max(least, newer.least);
  if (!newer.first) return;
  Join(*newer.first, newer.first_boot, newer.yearless);
  const auto append = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(silences, newer.silences);
  append(steps, newer.steps);
  append(boots, newer.boots);
  if (!first) first = newer.first, first_boot = newer.first_boot;
  last = newer.last;
  boot = newer.boot;
  yearless = yearless || newer.yearless;
  records += newer.records;
  RaiseLeast();
}

std::string ToText(const Rhythm& rhythm) {
  std::string text = fmt::format(
      "{} {} {} {} {} {} {}", rhythm.least,
      (rhythm.irregular ? 1 : 0) | (rhythm.yearless ? 2 : 0),
      rhythm.records, rhythm.first.value_or(0), rhythm.last.value_or(0),
      static_cast<int64_t>(rhythm.first_boot),
      static_cast<int64_t>(rhythm.boot));
  Put(text, rhythm.silences);
  Put(text, rhythm.steps);
  Put(text, rhythm.boots);
  return text;
}

std::optional<Rhythm> RhythmFromText(std::string_view text) {
  std::vector<int64_t> numbers;
  for (const std::string_view word : Words(text)) {
    const auto number = Number(word);
    if (!number) return {};
    numbers.push_back(*number);
  }
  if (numbers.size() < 10) return {};
  Rhythm rhythm(numbers[0]);
  rhythm.irregular = (numbers[1] & 1) != 0;
  rhythm.yearless = (numbers[1] & 2) != 0;
  rhythm.records = static_cast<size_t>(numbers[2]);
  if (numbers[4] != 0) rhythm.first = numbers[3], rhythm.last = numbers[4];
  rhythm.first_boot = static_cast<uint64_t>(numbers[5]);
  rhythm.boot = static_cast<uint64_t>(numbers[6]);
  size_t at = 7;
  for (auto* pauses : {&rhythm.silences, &rhythm.steps, &rhythm.boots}) {
    if (at >= numbers.size()) return {};
    const auto count = static_cast<size_t>(numbers[at++]);
    if (count > (numbers.size() - at) / 2) return {};
    for (size_t i = 0; i < count; ++i, at += 2)
      pauses->push_back({numbers[at], numbers[at + 1]});
  }
  return rhythm;
}

Rhythm FindPauses(size_t count, int64_t least, size_t& left,
                  const Search::Look& look) {
  return Search(least, left, look).Run(count);
}

std::vector<Pause> WhileOn(const std::vector<Pause>& silences,
                           const std::vector<Pause>& off) {
  std::vector<Pause> on;
  for (const Pause& silence : silences) {
    int64_t since = silence.since;
    for (const Pause& one : off) {
      if (!EndsIn(silence, one)) continue;
      if (one.since > since && one.since < silence.until)
        on.push_back({since, one.since});
      since = one.until <= silence.since ? silence.until
                                         : std::max(since, one.until);
    }
    if (since < silence.until) on.push_back({since, silence.until});
  }
  return on;
}

std::vector<Pause> FindImplausible(std::vector<Pause> silences,
                                   const Rhythm& rhythm) {
  if (!rhythm.whole || rhythm.irregular || !rhythm.first ||
      rhythm.records < kFewestRecords)
    return {};
  std::ranges::stable_sort(silences, std::greater(), Length);
  const int64_t span = *rhythm.last - *rhythm.first;
  // What is shorter than `least` is not known one by one.
  const auto length = [&](size_t i) {
    return i < silences.size() ? Length(silences[i]) : rhythm.least;
  };
  int64_t beside = span;
  for (size_t count = 1; count <= std::min<size_t>(3, silences.size());
       ++count) {
    beside -= length(count - 1);
    const auto weeks =
        static_cast<size_t>(std::max<int64_t>(0, beside) / kWeek);
    if (length(count - 1) < kShortest || weeks < count)
      return {};
    if (length(count - 1) < kTimes * length(count)) continue;
    silences.resize(count);
    std::erase_if(silences, [&](const Pause& pause) {
      return *rhythm.last - pause.until < Length(pause) ||
             pause.since - *rhythm.first < Length(pause);
    });
    std::ranges::sort(silences, {}, &Pause::since);
    return silences;
  }
  return {};
}

}  // namespace metsuke
