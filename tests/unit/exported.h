// What was exported, as programs read it that have nothing of ours.

#ifndef METSUKE_TESTS_UNIT_EXPORTED_H_
#define METSUKE_TESTS_UNIT_EXPORTED_H_

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/unit/test_fleet.h"

namespace metsuke {

struct Ran {
  int code = -1;
  std::string text;  // both outputs
};

inline Ran RunShell(const std::string& command) {
  Ran ran;
  std::FILE* const pipe = popen(("{ " + command + "; } 2>&1").c_str(), "r");
  std::array<char, 4096> buffer;
  while (size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
    ran.text.append(buffer.data(), got);
  const int status = pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

// What tests/exports/check.py reads in `text`; null, and a failure, when it is
// not of the format.
inline nlohmann::json Exported(const std::string& format,
                               const std::string& text) {
  const TemporaryFolder folder;
  std::ofstream(folder / "text") << text;
  const Ran ran =
      RunShell("python3 " METSUKE_SOURCE "/tests/exports/check.py " + format +
               ' ' + folder / "text");
  EXPECT_EQ(ran.code, 0) << ran.text << text.substr(0, 4000);
  return ran.code == 0 ? nlohmann::json::parse(ran.text) : nlohmann::json();
}

// What a program of the package `package` says of `text`, the file $1; empty
// when it has nothing to say against it.
inline std::string Judged(const std::string& package,
                          const std::string& command, const std::string& text) {
  const TemporaryFolder folder;
  std::ofstream(folder / "text") << text;
  const Ran ran = RunShell("set -- " + folder / "text" + "; " + command);
  if (ran.code == 127) return "install " + package;
  return ran.code == 0 ? "" : ran.text + text.substr(0, 4000);
}

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_EXPORTED_H_
