#include "controller/delivery/folder.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <kainjow/mustache.hpp>
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
constexpr mode_t kMode = 0640, kFolderMode = 0750;

constexpr char kIndex[] = R"(<!DOCTYPE html>
<html lang="{{language}}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{title}}</title>
<style>
:root { color-scheme: light dark }
body { font: 15px/1.6 system-ui, "Hiragino Sans", "Noto Sans CJK JP", sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
li { margin: .3rem 0; font-variant-numeric: tabular-nums }
</style></head>
<body><h1>{{title}}</h1>
<ul>
{{#days}}<li><a href="{{day}}.html">{{line}}</a> <small><a href="{{day}}.txt">txt</a> <a href="{{day}}.json">json</a></small></li>
{{/days}}</ul></body></html>
)";

// The headline of a day: its text begins with it.
std::string HeadlineIn(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
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
    item.set("line", HeadlineIn(fmt::format("{}/{}.txt", folder, day)));
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
  if (mkdir(folder.c_str(), kFolderMode) != 0 && errno != EEXIST)
    return absl::PermissionDeniedError(
        fmt::format("{}: {}", folder, std::strerror(errno)));
  const std::string begin = folder + "/" + letter.report.day();
  RETURN_IF_ERROR(
      WriteFile(begin + ".json", ReportJson(letter.report) + "\n", kMode));
  RETURN_IF_ERROR(WriteFile(begin + ".txt",
                            PlainText(letter.report, letter.language), kMode));
  RETURN_IF_ERROR(WriteFile(begin + ".html", page, kMode));
  return WriteIndex(folder, letter.language);
}

}  // namespace metsuke
