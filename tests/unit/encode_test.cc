#include "proto/encode.h"

#include <gtest/gtest.h>

namespace metsuke {
namespace {

TEST(Encode, TtyLetsNoControlThrough) {
  EXPECT_EQ(enc::Tty(HostText(std::string("a\x1b[31mb"))), "a\\x1b[31mb");
  EXPECT_EQ(enc::Tty(HostText(std::string("\xC2\x9B"))), "\\x9b");
  EXPECT_EQ(enc::Tty(HostText(std::string("\x9B"))), "\\x9b");
  EXPECT_EQ(enc::Tty(HostText(std::string("a\nb\t\\"))), "a\\x0ab\\x09\\\\");
  EXPECT_EQ(enc::Tty(HostText(std::string("\u202Eevil\uFEFF"))),
            "\\u{202e}evil\\u{feff}");
  EXPECT_EQ(enc::Tty(HostText(std::string("日本語 ok"))), "日本語 ok");
}

TEST(Encode, JsonIsValidForAnyBytes) {
  EXPECT_EQ(enc::Json(HostText(std::string("a\"\\\x01\xFF"))),
            "\"a\\\"\\\\\\u0001\uFFFD\"");
}

TEST(Encode, DocumentsEscapeWhatIsNotVisible) {
  const HostText text(std::string("\u202Ea\u2066\u200F\u200B\U000E0001日本"));
  EXPECT_EQ(enc::Json(text),
            "\"\\u202ea\\u2066\\u200f\\u200b\\udb40\\udc01日本\"");
  EXPECT_EQ(enc::Yaml(text),
            "\"\\u202ea\\u2066\\u200f\\u200b\\U000e0001日本\"");
}

TEST(Encode, CsvCellsAreNoFormulas) {
  EXPECT_EQ(enc::Csv(HostText(std::string("=1+\"2"))), "\"'=1+\"\"2\"");
  EXPECT_EQ(enc::Csv(HostText(std::string("plain"))), "\"plain\"");
}

TEST(Encode, HtmlEscapesMarkup) {
  EXPECT_EQ(enc::Html(HostText(std::string("<b a='1'>&"))),
            "&lt;b a=&#39;1&#39;&gt;&amp;");
}

}  // namespace
}  // namespace metsuke
