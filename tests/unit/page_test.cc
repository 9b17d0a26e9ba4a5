// The page of a report, made of a store that holds a fleet.

#include "controller/page/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "controller/page/template.h"
#include "controller/page/template_tags.h"
#include "controller/page/view.h"
#include "proto/file.h"
#include "tests/page/fleet.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at)
    ++count;
  return count;
}

// What stands from `begin` to `end`.
std::string Between(const std::string& text, const std::string& begin,
                    const std::string& end) {
  const size_t first = text.find(begin);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find(end, first) - first);
}

class PageTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    fleet_ = new PageFleet(folder_->path(), 60, 6);
  }
  static void TearDownTestSuite() {
    delete fleet_;
    delete folder_;
  }

  static std::string Html(Language language = Language::kEnglish) {
    const MadePage made = fleet_->Make(language);
    EXPECT_EQ(made.complaint, "");
    return made.html;
  }

  static TemporaryFolder* folder_;
  static PageFleet* fleet_;
};

TemporaryFolder* PageTest::folder_ = nullptr;
PageFleet* PageTest::fleet_ = nullptr;

TEST_F(PageTest, WhatAHostileHostSaysIsTextAndCanBeSeen) {
  for (const Language language : {Language::kEnglish, Language::kJapanese}) {
    const std::string html = Html(language);
    EXPECT_THAT(html, HasSubstr("&lt;img src=x onerror=alert(1)&gt;"));
    EXPECT_THAT(html, HasSubstr("\\u{202e}gnp.exe\\u{2066}\\u{200f}"));
    EXPECT_THAT(html, HasSubstr("{{{csp}}}=HYPERLINK(1)\\x1b[31m"));
    // Those of the template, and no others.
    EXPECT_EQ(CountOf(html, "<script"), 1u);
    EXPECT_EQ(CountOf(html, "<style"), 1u);
    EXPECT_EQ(CountOf(html, "<title>Metsuke") + CountOf(html, "<title>目付"),
              1u);
    EXPECT_THAT(html, Not(HasSubstr("<img")));
    for (const char* hidden : {"\x1b", "\u202e", "\u2066", "\u200f"})
      EXPECT_THAT(html, Not(HasSubstr(hidden)));
  }
}

TEST(PageTemplate, NoBracesLetATextOutBare) {
  const auto own = PageTemplate::Parse(
      "own",
      "{{title}}|{{{title}}}|{{&title}}|{{#notices}}{{{.}}}{{/notices}}"
      "</html>{{csp}}");
  ASSERT_TRUE(own.ok()) << own.status();
  const auto page =
      own->Render({{"title", "<b>'\""}, {"notices", Value::List{"{{csp}}<"}}});
  ASSERT_TRUE(page.ok()) << page.status();
  const std::string safe = "&lt;b&gt;&#39;&quot;";
  EXPECT_THAT(*page, StartsWith(safe + "|" + safe + "|" + safe +
                                "|{{csp}}&lt;</html>default-src"));
}

TEST(PageTemplate, ThePolicyNamesItsOwnStylesAndScriptsAndNothingElse) {
  const auto own = PageTemplate::Parse(
      "own",
      "{{{csp}}}<style>a{}</style>{{title}}<script>\r\n1</script></html>");
  ASSERT_TRUE(own.ok()) << own.status();
  const auto page = own->Render({{"title", "<script>2</script>"}});
  ASSERT_TRUE(page.ok()) << page.status();
  // printf 'a{}' | openssl dgst -sha256 -binary | base64, and '\n1' likewise.
  EXPECT_THAT(
      *page,
      StartsWith(
          "default-src &#39;none&#39;; style-src "
          "&#39;sha256-X1RutGBrXCt9KkSaXMK7tHftWiRscFHOhxsS8tv8hBk=&#39;; "
          "script-src "
          "&#39;sha256-790w0d2loaMp7p0L9hOH7n4lTsaUd+F84cQ3DSjists=&#39;; "
          "base-uri &#39;none&#39;; form-action &#39;none&#39;"));
  const auto bare = PageTemplate::Parse("bare", "{{{csp}}}</html>");
  ASSERT_TRUE(bare.ok()) << bare.status();
  EXPECT_THAT(*bare->Render({}), HasSubstr("script-src &#39;none&#39;"));
}

std::string Complaint(const std::string& text) {
  return std::string(PageTemplate::Parse("own", text).status().message());
}

TEST(PageTemplate, SaysWhereItIsBroken) {
  EXPECT_EQ(Complaint("{{csp}}{{title}}</html>"), "");
  EXPECT_THAT(Complaint("{{title}}</html>"), HasSubstr("own: has no policy"));
  EXPECT_EQ(Complaint("a\n{{#fleet}}\n</html>"),
            "own:2: section {{#fleet}} is not closed");
  EXPECT_EQ(Complaint("{{/fleet}}</html>"),
            "own:1: {{/fleet}} closes a section that is not open");
  EXPECT_EQ(Complaint("{{#fleet}}\n{{^blind}}\n\n{{/fleet}}</html>"),
            "own:4: {{/fleet}} stands where {{/blind}} must close the section "
            "that line 2 opens");
  EXPECT_EQ(Complaint("\n\n{{title</html>"), "own:3: braces are not closed");
  EXPECT_EQ(Complaint("{{ }}</html>"), "own:1: braces without a name");
  EXPECT_EQ(Complaint("{{titel}}</html>"),
            "own:1: nothing is called titel; did you mean title?");
  // A host's name would become a template, which could name itself.
  EXPECT_EQ(Complaint("{{> title}}</html>"),
            "own:1: {{> is not for templates of pages");
  EXPECT_EQ(Complaint("{{=ab  =}}</html>"),
            "own:1: {{= is not for templates of pages");
  EXPECT_EQ(Complaint("{{title}}"), "own: is no page: </html> is missing");
  EXPECT_EQ(
      Complaint("{{csp}}<style>a{}</style><style>/* {{title}} */</style></html>"),
      "own: <style> has a name in it; the policy names what stands there, "
      "so it must not change");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{{#fleet}}";
  EXPECT_EQ(Complaint(deep + "</html>"), "own:1: sections deeper than 32");
}

TEST(PageTemplate, WhatWouldFillTheMemoryEndsWithAnError) {
  std::string text = "{{title}}";
  for (int i = 0; i < 5; ++i) text = "{{#notices}}" + text + "{{/notices}}";
  const auto own = PageTemplate::Parse("own", text + "\n</html>{{csp}}");
  ASSERT_TRUE(own.ok()) << own.status();
  std::string line(2000, 'x');
  EXPECT_TRUE(absl::IsResourceExhausted(
      own->Render({{"title", line}, {"notices", Value::List(10, "")}})
          .status()));
}

TEST(PageTemplate, WhateverIsWrittenItIsAPageOrAnError) {
  const std::vector<std::string> parts = {
      "{{#",     "{{^",       "{{/",     "{{{", "}}}", "{{",      "}}",
      "{{!",     "{{&",       "{{>",     "{{=", "=",   "notices", "title",
      ".",       "t.score",   " ",       "\n",  "\r",  "<style>", "</style>",
      "<script", "</script>", "</html>", "{",   "}",   "\xff"};
  std::mt19937 random(20261123);
  int pages = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string text;
    for (size_t n = random() % 6; n > 0; --n)
      text += parts[random() % parts.size()];
    // Some are right but for one thing.
    if (i % 2 == 0) text += "{{#notices}}{{title}}{{/notices}}{{csp}}</html>";
    const auto own = PageTemplate::Parse("own", text);
    if (!own.ok()) continue;
    ++pages;
    const auto page =
        own->Render({{"title", "<"}, {"notices", Value::List(3, "x")}});
    ASSERT_TRUE(page.ok()) << page.status() << "\n" << text;
    EXPECT_EQ(CountOf(*page, "<<"), CountOf(text, "<<"));
  }
  EXPECT_GT(pages, 1000);
}

TEST(PageTemplate, OursIsSound) {
  const PageTemplate& ours = PageTemplate::BuiltIn();
  const auto text = ReadFile(METSUKE_SOURCE "/controller/page/page.mustache");
  ASSERT_TRUE(text.ok()) << text.status();
  const auto parsed = PageTemplate::Parse("page.mustache", *text);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(ours.Render({}).ok());
}

TEST_F(PageTest, ABrokenTemplateIsToldAndOursTakesItsPlace) {
  const std::string path = *folder_ / "own.mustache";
  ASSERT_TRUE(WriteFile(path, "<p>\n{{#fleet}}</html>", 0644).ok());
  const MadePage made = fleet_->Make(Language::kEnglish, path);
  EXPECT_EQ(made.complaint, path + ":2: section {{#fleet}} is not closed");
  EXPECT_THAT(made.html, HasSubstr("template is broken"));
  EXPECT_THAT(made.html, HasSubstr(made.complaint));
  EXPECT_THAT(made.html, HasSubstr("id=\"hosts\""));
  const MadePage missing =
      fleet_->Make(Language::kEnglish, *folder_ / "none.mustache");
  EXPECT_THAT(missing.complaint, HasSubstr("none.mustache"));
  EXPECT_THAT(missing.html, HasSubstr("id=\"hosts\""));
}

TEST_F(PageTest, AnOperatorsTemplateIsUsed) {
  const std::string path = *folder_ / "own.mustache";
  ASSERT_TRUE(
      WriteFile(path,
                "{{lang}} {{#fleet.lines}}{{name}};{{/fleet.lines}}"
                "{{csp}}</html>",
                0644)
          .ok());
  const MadePage made = fleet_->Make(Language::kJapanese, path);
  EXPECT_EQ(made.complaint, "");
  EXPECT_THAT(made.html, StartsWith("ja 00000000-0000-4000-8000-000000000060;"
                                    "web-0012;web-0011;app-0018;"));
}

TEST_F(PageTest, SpeaksBothLanguages) {
  const std::string en = Html(Language::kEnglish),
                    ja = Html(Language::kJapanese);
  EXPECT_THAT(en, HasSubstr("<html lang=\"en\">"));
  EXPECT_THAT(en, HasSubstr("No database listens beyond the host"));
  EXPECT_THAT(ja, HasSubstr("<html lang=\"ja\">"));
  EXPECT_THAT(ja, HasSubstr("サーバー監査報告"));
  EXPECT_THAT(ja, HasSubstr("確認できなかったもの"));
  // What is ours is said in Japanese throughout.
  EXPECT_THAT(ja, Not(HasSubstr("No database listens")));
  EXPECT_THAT(ja, Not(HasSubstr("What changed")));
}

TEST_F(PageTest, WhatWasNotSeenComesFirstAndLooksLikeNothingElse) {
  const std::string html = Html();
  const size_t blind = html.find("id=\"blind\""),
               changes = html.find("id=\"changes\"");
  ASSERT_NE(blind, std::string::npos);
  EXPECT_LT(blind, changes);
  const std::string first = html.substr(blind, changes - blind);
  EXPECT_THAT(first, HasSubstr("silent since"));
  EXPECT_THAT(first, HasSubstr("accounts could not be collected"));
  EXPECT_THAT(first, Not(HasSubstr("calm-line\">")));
  // A sign beside the colour.
  const std::string hosts = Between(html, "id=\"hosts\"", "</section>");
  EXPECT_THAT(hosts, HasSubstr("<i class=\"u\">?</i>"));
  EXPECT_THAT(hosts, HasSubstr("? has never reported"));
  // The blindest hosts first.
  const std::vector<std::string> order = {
      "000000000060</bdi>", "<bdi>web-0012</bdi>", "<bdi>web-0011</bdi>",
      "<bdi>app-0018</bdi>", "<bdi>web-0001</bdi>"};
  std::vector<size_t> places;
  for (const std::string& name : order) places.push_back(hosts.find(name));
  EXPECT_TRUE(std::ranges::is_sorted(places));
  EXPECT_LT(places.back(), std::string::npos);
}

TEST_F(PageTest, TheSameFailureIsToldOnceWithItsHosts) {
  const std::string control =
      Between(Html(), "<span class=\"id\">port-database-local", "</details>");
  EXPECT_EQ(CountOf(control, "<bdi>mysqld</bdi>"), 1u);
  EXPECT_THAT(Between(control, "<bdi>mysqld</bdi>", "</li>"),
              HasSubstr("9 hosts"));
  EXPECT_THAT(control, HasSubstr("12 hosts: "));
}

TEST_F(PageTest, WhatIsWaivedIsNeitherAFailureNorGood) {
  const std::string html = Html();
  const std::string host = Between(html, "<bdi>web-0020</bdi>", "</summary>");
  EXPECT_THAT(host, HasSubstr("<i class=\"w\">w</i>"));
  const std::string control =
      Between(html, "<span class=\"id\">audit-enabled", "</summary>");
  EXPECT_THAT(control, HasSubstr("<rect class=\"w\""));
  EXPECT_THAT(control, HasSubstr("waived 8"));
}

TEST_F(PageTest, HostsThatStandAlikeShareALine) {
  const std::string hosts = Between(Html(), "id=\"hosts\"", "</section>");
  EXPECT_LT(CountOf(hosts, "class=\"item host"), 30u);
  for (int i = 1; i < 60; ++i) {
    if (i == 5) continue;  // the hostile one
    EXPECT_THAT(hosts, HasSubstr(fmt::format("-{:04}</bdi>", i)));
  }
}

TEST_F(PageTest, ANightWithoutAReportBreaksTheLine) {
  const std::string trend = Between(Html(), "id=\"trend\"", "</section>");
  EXPECT_EQ(CountOf(trend, "<polyline"), 2u);
  EXPECT_THAT(trend, HasSubstr("no report"));
  EXPECT_EQ(CountOf(trend, "<tr><td>"), 5u);
}

TEST_F(PageTest, TellsHowFarLogsReallyReachBack) {
  const std::string logs = Between(Html(), "id=\"logs\"", "</section>");
  EXPECT_THAT(logs, HasSubstr("28 to 120 d, middle 120"));
  EXPECT_THAT(logs, HasSubstr("12 of 59 below 90 d"));
  EXPECT_THAT(logs, HasSubstr("not all files could be read: 2 hosts"));
  EXPECT_THAT(logs, HasSubstr("Logs could not be looked at: <bdi>1 host"));
}

// A fleet of hosts that pass the one control there is.
Page CalmPage() {
  Page page;
  page.baseline = "b";
  page.report.set_baseline("b");
  page.report.mutable_after()->set_hosts(2);
  page.report.mutable_after()->set_score(100);
  PageControl& control = page.controls.emplace_back();
  control.control.set_id("ours-one");
  control.pass = 2;
  AlikeHosts& alike = page.hosts.emplace_back();
  alike.names = {"a", "b"};
  alike.outcomes = {Outcome::kPass};
  return page;
}

// Its page, and of that the tile of hosts with findings.
std::pair<std::string, std::string> Drawn(const Page& page) {
  const auto html =
      PageTemplate::BuiltIn().Render(PageView(page, Language::kEnglish));
  EXPECT_TRUE(html.ok()) << html.status();
  const size_t begin = html->find(">Hosts with findings<");
  return {*html, html->substr(begin, html->find("<section", begin) - begin)};
}

TEST(PageOfTheUnseen, OnlyWhatWasSeenIsGood) {
  const auto [calm, calm_tile] = Drawn(CalmPage());
  EXPECT_THAT(calm, HasSubstr("No control fails"));
  EXPECT_THAT(calm_tile, HasSubstr("class=\"p\""));
  EXPECT_THAT(calm_tile, Not(HasSubstr("class=\"u\"")));

  Page silent = CalmPage();
  silent.hosts[0].sight = AlikeHosts::Sight::kSilent;
  const auto [html, tile] = Drawn(silent);
  EXPECT_THAT(html, Not(HasSubstr("No control fails")));
  EXPECT_THAT(tile, HasSubstr("class=\"u\""));
  EXPECT_THAT(tile, Not(HasSubstr("class=\"p\"")));

  Page unknown = CalmPage();
  unknown.hosts[0].outcomes = {Outcome::kUnknown};
  EXPECT_THAT(Drawn(unknown).second, HasSubstr("class=\"u\""));
}

TEST(PageOfTheUnseen, WhatNoBaselineJudgedIsNotGoodByALaterOne) {
  Page page = CalmPage();
  page.report.clear_baseline();
  const auto [html, tile] = Drawn(page);
  EXPECT_THAT(html, HasSubstr("No baseline was in force at the report"));
  EXPECT_THAT(tile, Not(HasSubstr("class=\"p\"")));
}

TEST_F(PageTest, OfOneHostOrNone) {
  const auto one = [](const std::string& host) {
    v1::Report report = fleet_->Last();
    report.set_from(report.from() - 7 * 86400);
    report.set_host(host);
    return MakePage(fleet_->Sources(), report, {.selector = "", .host = host},
                    Language::kEnglish, "");
  };
  const auto made = one("web-0003");
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(CountOf(made->html, "class=\"item host"), 1u);
  EXPECT_THAT(made->html, HasSubstr("<bdi>web-0003</bdi></h1>"));
  EXPECT_THAT(made->html, HasSubstr("Nights tell of the whole fleet"));
  EXPECT_THAT(made->html, Not(HasSubstr("no report; the next")));
  const auto none = one("gone");
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_THAT(none->html, HasSubstr("No host was in the fleet."));
  // Nobody was looked at, which is nothing good.
  const auto unseen = one("00000000-0000-4000-8000-000000000060");
  ASSERT_TRUE(unseen.ok()) << unseen.status();
  for (const std::string& html : {none->html, unseen->html}) {
    EXPECT_THAT(html, Not(HasSubstr("No control fails")));
    EXPECT_THAT(html, Not(HasSubstr("Fail nowhere")));
  }
}

TEST_F(PageTest, WithoutABaselineNothingIsCalledGood) {
  ReportSources sources = fleet_->Sources();
  sources.judge = nullptr;
  v1::Report report;
  report.set_from(PageFleet::end() - 86400);
  report.set_to(PageFleet::end());
  const auto made = MakePage(sources, report, {}, Language::kEnglish, "");
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_THAT(made->html, HasSubstr("No baseline is in force"));
  EXPECT_THAT(made->html, Not(HasSubstr("No control fails")));
}

TEST(Page, TheSameDataMakeTheSamePage) {
  std::vector<std::string> pages;
  for (int i = 0; i < 2; ++i) {
    const TemporaryFolder folder;
    PageFleet fleet(folder.path(), 30, 3);
    pages.push_back(fleet.Make(Language::kJapanese).html);
    EXPECT_EQ(fleet.Make(Language::kJapanese).html, pages.back());
  }
  EXPECT_EQ(pages[0], pages[1]);
}

TEST(Page, OfAThousandHostsIsBelowAMegabyte) {
  const TemporaryFolder folder;
  PageFleet fleet(folder.path(), 1000, 2);
  const size_t bytes = fleet.Make(Language::kJapanese).html.size();
  EXPECT_GT(bytes, 100'000u);
  EXPECT_LT(bytes, 1'000'000u);
  RecordProperty("bytes", static_cast<int>(bytes));
  // Its day divides a part of it less finely than it would a few hosts.
  const std::string part = fleet.MakeOf({.selector = "zone=osaka", .host = ""},
                                        1, Language::kEnglish)
                               .html;
  EXPECT_EQ(CountOf(Between(part, "id=\"trend\"", "</section>"), "<tr><td>"),
            13u);
  // And where no two hosts share a line, because each has an owner of its own.
  for (int i = 1; i <= 1000; ++i)
    ASSERT_TRUE(fleet.Sources()
                    .store
                    .SetLabels({.host = fmt::format(
                                    "00000000-0000-4000-8000-{:012}", i),
                                .set = {fmt::format("owner=person-{}", i)},
                                .remove = {}},
                               "hanako", PageFleet::end() + 1)
                    .ok());
  const std::string apart = fleet.Make(Language::kJapanese).html;
  EXPECT_EQ(CountOf(apart, "class=\"item host"), 1000u);
  EXPECT_LT(apart.size(), 1'000'000u);
  RecordProperty("bytes_apart", static_cast<int>(apart.size()));
}

}  // namespace
}  // namespace metsuke
