#include "controller/page/template.h"

#include <fmt/format.h>

#include <exception>
#include <kainjow/mustache.hpp>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "controller/page/template_tags.h"
#include "proto/canonical.h"
#include "proto/file.h"
#include "proto/status.h"
#include "proto/text.h"

// template_data.S
extern "C" const char metsuke_page_begin[], metsuke_page_end[];

namespace metsuke {
namespace {

namespace mustache = kainjow::mustache;

constexpr size_t kMostBytes = 32 << 20;

mustache::data ToData(const Value& value) {
  if (const bool* truth = value.truth()) return mustache::data(*truth);
  if (const std::string* text = value.text()) return mustache::data(*text);
  if (const Value::List* list = value.list()) {
    mustache::list items;
    items.reserve(list->size());
    for (const Value& item : *list) items.push_back(ToData(item));
    return mustache::data(std::move(items));
  }
  mustache::data object(mustache::data::type::object);
  for (const auto& [name, field] : *value.fields())
    object.set(name, ToData(field));
  return object;
}

// What stands in the elements of this name.
std::vector<std::string_view> Contents(std::string_view text,
                                       const std::string& element) {
  const std::string begin = "<" + element, end = "</" + element;
  std::vector<std::string_view> contents;
  for (size_t at = 0; (at = text.find(begin, at)) != std::string_view::npos;) {
    const size_t first = text.find('>', at) + 1;
    const size_t last = text.find(end, at);
    if (first == 0 || last == std::string_view::npos || last < first) break;
    contents.push_back(text.substr(first, last - first));
    at = last;
  }
  return contents;
}

// The sources by which a policy names them.
std::string Hashes(std::string_view text, const std::string& element) {
  std::string hashes;
  for (const std::string_view content : Contents(text, element))
    hashes += fmt::format(" 'sha256-{}'", absl::Base64Escape(Sha256(content)));
  return hashes.empty() ? " 'none'" : hashes;
}

// Every name that ours uses; what fills it has no others.
const std::set<std::string>& KnownNames() {
  static const std::set<std::string> names = [] {
    std::set<std::string> all;
    const auto tags = TemplateTags({metsuke_page_begin, metsuke_page_end});
    if (tags.ok())
      for (const TemplateTag& tag : *tags) all.insert(tag.name);
    return all;
  }();
  return names;
}

}  // namespace

PageTemplate::PageTemplate(std::string text)
    // Browsers hash what they parsed, in which lines end with one character.
    : text_(absl::StrReplaceAll(text, {{"\r\n", "\n"}, {"\r", "\n"}})),
      policy_(fmt::format("default-src 'none'; style-src{}; script-src{}; "
                          "base-uri 'none'; form-action 'none'",
                          Hashes(text_, "style"), Hashes(text_, "script"))) {}

const PageTemplate& PageTemplate::BuiltIn() {
  static const PageTemplate built_in(
      std::string(metsuke_page_begin, metsuke_page_end));
  return built_in;
}

absl::StatusOr<PageTemplate> PageTemplate::Parse(const std::string& name,
                                                 const std::string& text) {
  const auto wrong = [&name](const std::string& what) {
    return absl::InvalidArgumentError(name + ":" + what);
  };
  const auto tags = TemplateTags(text);
  if (!tags.ok()) return wrong(Message(tags.status()));
  if (text.find("</html>") == std::string::npos)
    return wrong(" is no page: </html> is missing");
  const std::set<std::string>& known = KnownNames();
  for (const TemplateTag& tag : *tags)
    if (!known.contains(tag.name))
      return wrong(
          fmt::format("{}: nothing is called {}{}", tag.line, tag.name,
                      DidYouMean(tag.name, {known.begin(), known.end()})));
  if (!std::ranges::any_of(*tags, [](const TemplateTag& tag) {
        return tag.name == "csp";
      }))
    return wrong(
        " has no policy; its <head> begins with <meta "
        "http-equiv=\"Content-Security-Policy\" content=\"{{csp}}\">");
  for (const char* element : {"style", "script"})
    for (const std::string_view content : Contents(text, element))
      if (content.find("{{") != std::string_view::npos)
        return wrong(
            fmt::format(" <{}> has a name in it; the policy names what "
                        "stands there, so it must not change",
                        element));
  const mustache::mustache parsed(text);
  if (!parsed.is_valid()) return wrong(" " + parsed.error_message());
  return PageTemplate(text);
}

absl::StatusOr<PageTemplate> PageTemplate::Read(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return Parse(path, text);
}

absl::StatusOr<std::string> PageTemplate::Render(Value::Fields fields) const {
  fields.insert_or_assign("csp", Value(policy_));
  // It keeps what went wrong while it renders, so each page has one of its own.
  mustache::mustache parsed(text_);
  // Values are encoded already, whichever braces stand around them.
  parsed.set_custom_escape([](const std::string& text) { return text; });
  std::string page;
  try {
    parsed.render(ToData(Value(std::move(fields))),
                  [&page](const std::string& text) {
                    if (page.size() + text.size() > kMostBytes)
                      throw std::length_error("the page is beyond 32 MiB");
                    page += text;
                  });
  } catch (const std::exception& error) {
    return absl::ResourceExhaustedError(error.what());
  }
  if (!parsed.is_valid()) return absl::InternalError(parsed.error_message());
  return page;
}

}  // namespace metsuke
