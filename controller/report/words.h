// What the parts of a report are called in a reader's language.

#ifndef METSUKE_CONTROLLER_REPORT_WORDS_H_
#define METSUKE_CONTROLLER_REPORT_WORDS_H_

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/report.pb.h"

namespace metsuke {

enum class Language { kEnglish, kJapanese };

// The instant by the local clock, in a form of strftime(3).
std::string Local(int64_t instant, const char* form);

class Words {
 public:
  explicit Words(Language language)
      : japanese_(language == Language::kJapanese) {}

  // The sentence, with the values in place of each "{}". Both take the same.
  template <typename... Values>
  std::string Say(std::string_view en, std::string_view ja,
                  const Values&... values) const {
    return fmt::format(fmt::runtime(japanese_ ? ja : en), values...);
  }

  // English where there is no Japanese.
  const std::string& In(const v1::Text& text) const {
    return japanese_ && !text.ja().empty() ? text.ja() : text.en();
  }

  // "312 hosts".
  std::string Count(uint32_t hosts) const;
  // "312 hosts: web01, web02 …".
  std::string Hosts(const v1::ReportHosts& hosts) const;
  std::string Verdict(v1::Verdict verdict) const;
  std::string Severity(v1::Severity severity) const;
  // What could not be seen, on which hosts, and whether it was so before.
  std::string Unseen(const v1::ReportUnseen& unseen) const;
  // What happened, when, and whether it is a likely cause.
  std::string Cause(const v1::ReportCause& cause) const;
  std::string Reach(const v1::ReportReach& reach) const;

 private:
  std::string What(const v1::ReportUnseen& unseen) const;
  std::string Who(const v1::ReportCause& cause) const;

  const bool japanese_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_WORDS_H_
