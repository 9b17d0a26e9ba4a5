// The figures of one run, as a page of Markdown.

#ifndef METSUKE_TESTS_BENCH_REPORT_H_
#define METSUKE_TESTS_BENCH_REPORT_H_

#include <optional>
#include <string>
#include <vector>

namespace metsuke {

// One measurement. What is empty does not apply.
struct Figure {
  std::string what;
  std::string figure;
  std::string beside;  // what was measured beside it, or how it is made up
  std::string target = {};
  std::optional<bool> reached = std::nullopt;  // set when there is a target
};

class Report {
 public:
  // Begins a part of the page; `how` says what is measured and how.
  void Section(const std::string& title, const std::string& how);
  // Adds to the last section, and shows it on standard error at once.
  void Add(Figure figure);
  // A sentence after the figures of the section.
  void Note(const std::string& text);

  // The page: the machine, the targets, then the sections.
  std::string Page(const std::string& machine) const;

 private:
  struct Part {
    std::string title, how;
    std::vector<Figure> figures;
    std::vector<std::string> notes;
  };
  std::vector<Part> parts_;
};

// What the figures were measured on: processor, memory, kernel, disk,
// compiler.
std::string ThisMachine();

}  // namespace metsuke

#endif  // METSUKE_TESTS_BENCH_REPORT_H_
