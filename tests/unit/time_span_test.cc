#include "collectors/time_span.h"

#include <gtest/gtest.h>

namespace metsuke {
namespace {

// The figures are those of systemd-analyze timespan, systemd 252.
TEST(TimeSpan, IsWhatSystemdTakesItFor) {
  for (const auto& [text, micros] : {std::pair("1year", 31557600000000),
                                     {"2w", 1209600000000},
                                     {"0.5d", 43200000000},
                                     {"1y 6month", 47336400000000},
                                     {"3M", 7889400000000},
                                     {"90", 90000000},
                                     {"1h30m", 5400000000},
                                     {"5 min", 300000000},
                                     {"1.5", 1500000},
                                     {"+1", 1000000},
                                     {".5s", 500000},
                                     {"100us", 100},
                                     {"1000 µs", 1000},
                                     {"2hr", 7200000000},
                                     {"1m 1M", 2629860000000},
                                     {"0", 0},
                                     {"1d12", 86412000000},
                                     {"1 2", 3000000}})
    EXPECT_EQ(TimeSpan(text), micros) << text;
  EXPECT_EQ(TimeSpan(" infinity "), INT64_MAX);
  for (const char* text :
       {"", " ", "d", "1e3", "5 parsec", "-1", "5.", "5.d", "1,5h", "0x10",
        "99999999999y", "1d infinity", "1 D", "+"})
    EXPECT_EQ(TimeSpan(text), std::nullopt) << text;
}

}  // namespace
}  // namespace metsuke
