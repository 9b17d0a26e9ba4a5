#include "agent/join.h"

#include <gtest/gtest.h>

namespace metsuke {
namespace {

TEST(WipeWord, LeavesNothingOfItOnTheCommandLine) {
  std::string words[] = {"metsuke-agent", "join", "mtk1_secret@c:7443",
                         "mtk1_secret@c:7443", "mtk1"};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(),
                  words[3].data(), words[4].data()};
  const std::string word = words[2];
  WipeWord(word, 5, argv);
  EXPECT_EQ(words[1], "join");
  EXPECT_EQ(words[2], std::string(word.size(), '*'));
  EXPECT_EQ(words[3], std::string(word.size(), '*'));
  EXPECT_EQ(words[4], "mtk1") << "is another word";
  WipeWord("", 5, argv);
  EXPECT_EQ(words[1], "join");
}

}  // namespace
}  // namespace metsuke
