#include "controller/page/template_tags.h"

#include <fmt/format.h>

#include <algorithm>

namespace metsuke {
namespace {

constexpr size_t kDeepest = 32;

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

absl::Status Wrong(int line, const std::string& what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", line, what));
}

// The sections that are open.
class Sections {
 public:
  absl::Status Open(const TemplateTag& tag) {
    if (open_.size() == kDeepest)
      return Wrong(tag.line, fmt::format("sections deeper than {}", kDeepest));
    open_.push_back(tag);
    return absl::OkStatus();
  }

  absl::Status Close(const TemplateTag& tag) {
    if (open_.empty())
      return Wrong(tag.line, fmt::format("{{{{/{}}}}} closes a section that is "
                                         "not open",
                                         tag.name));
    if (open_.back().name != tag.name)
      return Wrong(
          tag.line,
          fmt::format("{{{{/{}}}}} stands where {{{{/{}}}}} must close the "
                      "section that line {} opens",
                      tag.name, open_.back().name, open_.back().line));
    open_.pop_back();
    return absl::OkStatus();
  }

  absl::Status Finish() const {
    if (open_.empty()) return absl::OkStatus();
    return Wrong(
        open_.back().line,
        fmt::format("section {{{{#{}}}}} is not closed", open_.back().name));
  }

 private:
  std::vector<TemplateTag> open_;
};

// What stands between the braces at `begin`, and where they end.
struct Inside {
  std::string_view text;
  size_t end = std::string_view::npos;
};

Inside Between(std::string_view text, size_t begin) {
  const std::string_view close =
      text.substr(begin).starts_with("{{{") ? "}}}" : "}}";
  const size_t first = begin + close.size();
  const size_t end = text.find(close, first);
  if (end == std::string_view::npos) return {};
  return {Trimmed(text.substr(first, end - first)), end + close.size()};
}

}  // namespace

absl::StatusOr<std::vector<TemplateTag>> TemplateTags(std::string_view text) {
  std::vector<TemplateTag> tags;
  Sections sections;
  size_t counted = 0;
  int line = 1;
  for (size_t at = 0; (at = text.find("{{", at)) != std::string_view::npos;) {
    line += static_cast<int>(
        std::count(text.begin() + counted, text.begin() + at, '\n'));
    counted = at;
    const Inside inside = Between(text, at);
    if (inside.end == std::string_view::npos)
      return Wrong(line, "braces are not closed");
    at = inside.end;
    if (inside.text.empty()) return Wrong(line, "braces without a name");
    const char kind = inside.text[0];
    if (kind == '!') continue;
    if (kind == '>' || kind == '=')
      return Wrong(line,
                   fmt::format("{{{{{} is not for templates of pages", kind));
    const bool plain =
        std::string_view("#^/&").find(kind) == std::string_view::npos;
    const TemplateTag tag{
        .name =
            std::string(Trimmed(plain ? inside.text : inside.text.substr(1))),
        .line = line};
    absl::Status nested = kind == '#' || kind == '^' ? sections.Open(tag)
                          : kind == '/'              ? sections.Close(tag)
                                                     : absl::OkStatus();
    if (!nested.ok()) return nested;
    tags.push_back(tag);
  }
  if (absl::Status all = sections.Finish(); !all.ok()) return all;
  return tags;
}

}  // namespace metsuke
