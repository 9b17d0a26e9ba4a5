#include <string>
#include <utility>

#include "controller/page/view_parts.h"
#include "controller/report/lines.h"

namespace metsuke {
namespace {

// As the template's style has it.
constexpr size_t kMostShown = 10;

const char* ClassOf(LineKind kind) {
  switch (kind) {
    case LineKind::kBad:
      return "bad";
    case LineKind::kGood:
      return "good";
    case LineKind::kBlind:
      return "blind";
    case LineKind::kMuted:
      return "muted";
    default:
      return "plain";
  }
}

const char* SignOf(LineKind kind) {
  switch (kind) {
    case LineKind::kBad:
      return "▼";
    case LineKind::kGood:
      return "▲";
    case LineKind::kBlind:
      return "?";
    default:
      return "·";
  }
}

// Lines under the line that they belong to, under their heading.
class Sections {
 public:
  void Add(const ReportLine& line) {
    if (line.kind == LineKind::kHeading) {
      Finish();
      head_ = line.text;
    } else if (line.indent == 0) {
      // What stands before the first heading the page tells elsewhere.
      if (!head_.empty()) notes_.emplace_back(line.text);
    } else if (line.indent == 1) {
      FinishItem();
      item_ = {{"text", line.text},
               {"class", ClassOf(line.kind)},
               {"is_blind", line.kind == LineKind::kBlind},
               {"sign", SignOf(line.kind)}};
    } else {
      lines_.emplace_back(
          Value::Fields{{"text", line.text},
                        {"class", std::string(ClassOf(line.kind)) + " d" +
                                      std::to_string(line.indent)}});
    }
  }

  Value Take() {
    Finish();
    return Value::Fields{{"any_change", !sections_.empty()},
                         {"sections", std::move(sections_)},
                         {"notes", std::move(notes_)}};
  }

 private:
  void FinishItem() {
    if (item_.empty()) return;
    item_.emplace("more", !lines_.empty());
    item_.emplace("lines", std::exchange(lines_, {}));
    items_.emplace_back(std::exchange(item_, {}));
  }

  void Finish() {
    FinishItem();
    if (items_.empty()) return;
    const size_t count = items_.size();
    sections_.emplace_back(Value::Fields{{"head", head_},
                                         {"items", std::move(items_)},
                                         {"count", count},
                                         {"is_long", count > kMostShown}});
    items_ = {};
  }

  HostText head_;
  Value::Fields item_;
  Value::List lines_, items_, sections_, notes_;
};

}  // namespace

Value ChangesView(const v1::Report& report, Language language) {
  // The page has places of their own for these.
  v1::Report drift = report;
  drift.clear_unseen();
  drift.clear_unseen_omitted();
  drift.clear_open();
  Sections sections;
  for (const ReportLine& line : ReportLines(drift, language))
    sections.Add(line);
  return sections.Take();
}

}  // namespace metsuke
