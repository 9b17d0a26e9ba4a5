#include "proto/plain_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/status.h"

namespace metsuke {
namespace {

using testing::HasSubstr;

TEST(PlainText, IsWhatEverybodyCanRead) {
  for (const char* text :
       {"", "hanako", "田中 花子", "C:\\x", "a, b = c?", "é"})
    EXPECT_TRUE(CheckPlainText(text, 10).ok()) << text;
  for (const char* text :
       {"a\nb", "a\x1b[31m", "\xff", "\u202Eabc", "a\u200Bb", "\x7f", "\\\x01"})
    EXPECT_THAT(Message(CheckPlainText(text, 10)), HasSubstr("UTF-8")) << text;
  for (const char* text : {" a", "a ", "\u3000a", "a\u3000", " "})
    EXPECT_THAT(Message(CheckPlainText(text, 10)), HasSubstr("space")) << text;
  EXPECT_TRUE(CheckPlainText("あいう", 3).ok());
  EXPECT_EQ(Message(CheckPlainText("あいうえ", 3)),
            "must be at most 3 characters");
}

TEST(PlainText, NamesAreTheSameInAnyCaseAndWidth) {
  EXPECT_EQ(Folded("Hanako"), Folded("ｈａｎａｋｏ"));
  EXPECT_EQ(Folded("ﾊﾅｺ"), Folded("ハナコ"));
  EXPECT_NE(Folded("hanako"), Folded("taro"));
}

TEST(PlainText, IdsAreLowerCaseWords) {
  for (const char* id : {"a", "w-12", "ftp-of-the-bank"}) EXPECT_TRUE(IsId(id));
  for (const char* id : {"", "-a", "a-", "a--b", "A", "a b", "あ", "a_b"})
    EXPECT_FALSE(IsId(id)) << id;
  EXPECT_FALSE(IsId(std::string(65, 'a')));
}

}  // namespace
}  // namespace metsuke
