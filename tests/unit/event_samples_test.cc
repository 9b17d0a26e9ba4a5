// Sentences of programs of many releases, labelled by hand by somebody who had
// not seen the patterns: tests/events/samples.tsv has, separated by tabs, the
// identifier, the uid of the writer, the message, and what it says happened:
// "-", or the fields of v1::Event as key=value with "%20" for a blank.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "collectors/event_reader.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

std::string Decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      decoded += static_cast<char>(
          std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

using Fields = std::map<std::string, std::string>;

Fields Expected(std::string_view label) {
  Fields fields;
  if (label == "-") return fields;
  for (const std::string_view pair : Pieces(label, ' ')) {
    const size_t at = pair.find('=');
    fields[std::string(pair.substr(0, at))] = Decoded(pair.substr(at + 1));
  }
  if (fields["count"].empty()) fields["count"] = "1";
  return fields;
}

Fields Found(const std::optional<v1::Event>& event) {
  Fields fields;
  if (!event) return fields;
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) fields[name] = value;
  };
  put("kind", event->kind());
  put("service", event->service());
  put("account", event->account());
  put("actor", event->actor());
  put("from", event->from());
  put("method", event->method());
  put("count", std::to_string(event->count()));
  return fields;
}

std::string Shown(const Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields)
    text += fmt::format("{}={} ", name, value);
  return text.empty() ? "-" : text;
}

TEST(EventSamples, AreReadAsAPersonReadThem) {
  std::ifstream file(std::string(METSUKE_SOURCE) + "/tests/events/samples.tsv");
  int lines = 0, wanted = 0, found = 0, right = 0;
  for (std::string line; std::getline(file, line);) {
    const auto parts = Pieces(line, '\t');
    ASSERT_EQ(parts.size(), 4u) << line;
    const std::string exe = fmt::format("/usr/sbin/{}", parts[0]);
    JournalRecord record;
    record.identifier = parts[0];
    record.exe = exe;
    record.uid = static_cast<uint32_t>(std::stoul(std::string(parts[1])));
    record.message = parts[2];
    record.transport =
        parts[0].find("journal") != parts[0].npos ? "driver" : "syslog";
    record.boot = "0ca1ad2c000000000000000000000001";
    const auto event = ReadEvent(record, [](uint32_t uid) -> std::string {
      return uid == 0 ? "root" : uid == 1000 ? "alice" : std::to_string(uid);
    });
    const Fields expected = Expected(parts[3]), got = Found(event);
    ++lines;
    wanted += !expected.empty();
    found += event.has_value();
    right += event && got == expected;
    EXPECT_EQ(Shown(got), Shown(expected)) << parts[0] << ": " << parts[2];
  }
  fmt::print("{} sentences: recall {:.3f}, precision {:.3f}\n", lines,
             static_cast<double>(right) / wanted,
             static_cast<double>(right) / found);
  EXPECT_GE(lines, 642);
}

}  // namespace
}  // namespace metsuke
