// The comparators against the programs they must agree with.

#include "controller/judge/version.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace metsuke {
namespace {

using Pair = std::pair<std::string, std::string>;

int Sign(int order) { return (order > 0) - (order < 0); }

// What a shell script prints, as integers.
std::vector<int> RunScript(const std::string& script) {
  // Tests run side by side, each in a process of its own.
  const std::string path =
      fmt::format("{}versions-{}.sh", testing::TempDir(), getpid());
  std::ofstream(path) << script;
  FILE* pipe = popen(("sh " + path).c_str(), "r");
  std::string out;
  std::array<char, 4096> buffer;
  while (const size_t n = fread(buffer.data(), 1, buffer.size(), pipe))
    out.append(buffer.data(), n);
  EXPECT_EQ(pclose(pipe), 0);
  std::remove(path.c_str());
  std::istringstream numbers(out);
  std::vector<int> result;
  for (int n; numbers >> n;) result.push_back(n);
  return result;
}

// Versions that are near each other, so that every rule decides some pair.
std::string Upstream(std::mt19937& random, const std::string& alphabet) {
  std::string text(1, static_cast<char>('0' + random() % 3));
  for (size_t length = random() % 6; length > 0; --length)
    text += alphabet[random() % alphabet.size()];
  return text;
}

std::vector<Pair> Pairs(size_t count, const std::string& alphabet) {
  std::mt19937 random(20260101);
  const auto version = [&] {
    std::string text;
    if (random() % 4 == 0) text = std::to_string(random() % 3) + ":";
    text += Upstream(random, alphabet);
    if (random() % 2 == 0) text += "-" + Upstream(random, alphabet);
    return text;
  };
  std::vector<Pair> pairs;
  while (pairs.size() < count) {
    Pair pair{version(), version()};
    // Half of them differ in one character.
    if (pairs.size() % 2 == 0) {
      pair.second = pair.first;
      pair.second.insert(1 + random() % pair.second.size(), 1,
                         alphabet[random() % alphabet.size()]);
    }
    pairs.push_back(pair);
  }
  return pairs;
}

TEST(CompareDebVersions, AgreesWithDpkg) {
  auto pairs = Pairs(600, "0019azAZ.+~");
  pairs.insert(pairs.end(),
               {{"1.0", "1.0-0"},
                {"0:1", "1"},

                {"1.02", "1.2"},
                {"1~~", "1~~a"},
                {"1~", "1"},
                {"1a", "1+"},
                {"1:0", "99999999999"},
                {"10000000000000000000001", "10000000000000000000002"},
                {"2.36-9+deb12u4", "2.36-9+deb12u10"}});
  std::string script;
  for (const auto& [a, b] : pairs)
    script += fmt::format(
        "if dpkg --compare-versions '{0}' lt '{1}' 2>/dev/null; then echo -1; "
        "elif dpkg --compare-versions '{0}' eq '{1}' 2>/dev/null; then echo 0; "
        "else echo 1; fi\n",
        a, b);
  const std::vector<int> want = RunScript(script);
  ASSERT_EQ(want.size(), pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(Sign(CompareDebVersions(pairs[i].first, pairs[i].second)),
              want[i])
        << pairs[i].first << " " << pairs[i].second;
    EXPECT_EQ(Sign(CompareDebVersions(pairs[i].second, pairs[i].first)),
              -want[i]);
  }
}

TEST(CompareRpmVersions, AgreesWithRpm) {
  auto pairs = Pairs(4000, "0019azAZ.+~^_");
  pairs.insert(pairs.end(), {{"1.0", "1.0-1"},
                             {"1.0^", "1.0"},
                             {"1.0^", "1.0.1"},
                             {"1.0~^1", "1.0~"},
                             {"1..2", "1.2"},
                             {"1.2.", "1.2"},
                             {"1a", "1.a"},
                             {"fc4", "fc.4"},
                             {"10xyz", "10.1xyz"},
                             {"2_0", "2.0"},
                             {"1.0010", "1.10"},
                             {"1~1^1", "1~1"}});
  // Into a file, for rpm 4.18 overruns the buffer of a long output.
  const std::string lua = testing::TempDir() + "versions.lua";
  std::ofstream file(lua);
  file << "local out = io.open('" << lua << ".out', 'w')\n";
  for (const auto& [a, b] : pairs)
    file << fmt::format("out:write(rpm.vercmp('{}', '{}'), ' ')\n", a, b);
  file << "out:close()\n";
  file.close();
  const std::vector<int> want = RunScript("rpm --eval '%{lua: dofile(\"" + lua +
                                          "\")}' && cat " + lua + ".out\n");
  ASSERT_EQ(want.size(), pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(Sign(CompareRpmVersions(pairs[i].first, pairs[i].second)),
              want[i])
        << pairs[i].first << " " << pairs[i].second;
    EXPECT_EQ(Sign(CompareRpmVersions(pairs[i].second, pairs[i].first)),
              -want[i]);
  }
}

}  // namespace
}  // namespace metsuke
