#include "controller/store/labels.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/encode.h"
#include "proto/plain_text.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr size_t kLongest = 63;

bool Plain(std::string_view text) {
  return text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '/' ||
                  c == '-';
         });
}

std::string Shown(std::string_view text) {
  return enc::Log(HostText(std::string(text)));
}

}  // namespace

absl::Status CheckLabelKey(std::string_view key) {
  if (!key.empty() && Plain(key)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("label key \"{}\": must be 1 to {} of A-Z a-z 0-9 . _ / -",
                  Shown(key), kLongest));
}

absl::Status CheckLabelValue(std::string_view value) {
  absl::Status sound = CheckPlainText(value, kLongest);
  if (sound.ok() && value.find_first_of(",=") != std::string_view::npos)
    sound = absl::InvalidArgumentError("must not hold \",\" or \"=\"");
  if (sound.ok()) return sound;
  return absl::InvalidArgumentError(
      fmt::format("label value \"{}\": {}", Shown(value), Message(sound)));
}

absl::StatusOr<std::pair<std::string, std::string>> ParseLabel(
    std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos)
    return absl::InvalidArgumentError(
        fmt::format("label \"{}\": must be key=value", Shown(text)));
  const std::string_view key = text.substr(0, equals);
  const std::string_view value = text.substr(equals + 1);
  RETURN_IF_ERROR(CheckLabelKey(key));
  RETURN_IF_ERROR(CheckLabelValue(value));
  return std::pair(std::string(key), std::string(value));
}

absl::StatusOr<Selector> Selector::Parse(std::string_view text) {
  Selector selector;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view()
                                           : text.substr(comma + 1);
    if (part.find('=') == std::string_view::npos) {
      RETURN_IF_ERROR(Annotate(CheckLabelKey(part), "selector"));
      selector.terms_.push_back({std::string(part) + "=", true});
    } else {
      const auto label = ParseLabel(part);
      if (!label.ok()) return Annotate(label.status(), "selector");
      selector.terms_.push_back({std::string(part), false});
    }
  }
  return selector;
}

}  // namespace metsuke
