#include "controller/delivery/folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <kainjow/mustache.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "proto/encode.h"
#include "proto/file.h"
#include "proto/instant.h"
#include "proto/status.h"

namespace metsuke {
namespace {

namespace fs = std::filesystem;
namespace mustache = kainjow::mustache;

// Reports tell what is weak: the owner and the group read them.
constexpr mode_t kMode = 0640;

constexpr char kIndex[] = R"(<!DOCTYPE html>
<html lang="{{language}}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{title}}</title>
<style>
:root { color-scheme: light dark }
body { font: 15px/1.6 system-ui, "Hiragino Sans", "Noto Sans CJK JP", sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
li { margin: .3rem 0 } .day { font-variant-numeric: tabular-nums; margin-right: 1rem }
</style></head>
<body><h1>{{title}}</h1>
<ul>
{{#days}}<li><a class="day" href="{{day}}.html">{{day}}</a>{{line}} <small><a href="{{day}}.txt">txt</a> <a href="{{day}}.json">json</a></small></li>
{{/days}}</ul></body></html>
)";

// What the text of a day says in its first lines.
std::string FirstLines(const std::string& path) {
  const auto text = ReadFile(path);
  if (!text.ok()) return "";
  const size_t first = text->find('\n'), second = text->find('\n', first + 1);
  // A quiet night has one line.
  if (second == std::string::npos) return text->substr(0, first);
  return text->substr(first + 1, second - first - 1);
}

absl::StatusOr<std::vector<std::string>> DaysIn(const std::string& folder) {
  std::vector<std::string> days;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path& path = entry->path();
    if (path.extension() == ".html" && path.stem().string().size() == 10 &&
        ParseInstant(path.stem().string()))
      days.push_back(path.stem().string());
  }
  if (error) return absl::UnavailableError(folder + ": " + error.message());
  std::ranges::sort(days, std::greater());
  return days;
}

absl::Status WriteIndex(const std::string& folder, Language language) {
  ASSIGN_OR_RETURN(const std::vector<std::string> days, DaysIn(folder));
  mustache::data list(mustache::data::type::list);
  for (const std::string& day : days) {
    mustache::data item;
    item.set("day", day);
    item.set("line", FirstLines(fmt::format("{}/{}.txt", folder, day)));
    list.push_back(std::move(item));
  }
  mustache::data whole;
  whole.set("language", language == Language::kJapanese ? "ja" : "en");
  whole.set("title",
            Words(language).Say("Metsuke: reports", "目付: 変化の報告"));
  whole.set("days", std::move(list));
  mustache::mustache page(kIndex);
  page.set_custom_escape(
      [](const std::string& text) { return enc::Html(HostText(text)); });
  return WriteFile(folder + "/index.html", page.render(whole), kMode);
}

}  // namespace

absl::Status PutIntoFolder(const std::string& folder, const Letter& letter,
                           const std::string& page) {
  const std::string begin = folder + "/" + letter.report.day();
  RETURN_IF_ERROR(
      WriteFile(begin + ".json", ReportJson(letter.report) + "\n", kMode));
  RETURN_IF_ERROR(WriteFile(begin + ".txt",
                            PlainText(letter.report, letter.language), kMode));
  RETURN_IF_ERROR(WriteFile(begin + ".html", page, kMode));
  return WriteIndex(folder, letter.language);
}

}  // namespace metsuke
