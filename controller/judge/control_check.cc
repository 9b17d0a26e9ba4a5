#include "controller/judge/control_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "controller/judge/baseline.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// The source documents number their sentences so.
constexpr int kLastMt = 65;
constexpr int kLastBz = 60;

// An example has a handful of rows; a query that takes longer over them never
// ends or multiplies tables.
constexpr QueryLimits kExampleLimits{.steps = 1'000'000,
                                     .time = std::chrono::milliseconds(2000)};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Lower-case words and numbers joined by "-".
bool IsId(const std::string& id) {
  if (id.empty() || id.size() > 64 || id.front() == '-' || id.back() == '-' ||
      id.find("--") != std::string::npos)
    return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || IsDigit(c) || c == '-';
  });
}

bool IsStatement(const std::string& name) {
  if (name.size() != 5 || name[2] != '-' || !IsDigit(name[3]) ||
      !IsDigit(name[4]))
    return false;
  const int number = (name[3] - '0') * 10 + (name[4] - '0');
  return number >= 1 && ((name.starts_with("MT") && number <= kLastMt) ||
                         (name.starts_with("BZ") && number <= kLastBz));
}

void CheckStatements(const v1::Control& control, const Refuse& refuse) {
  if (control.statements().empty())
    refuse("statements", "statements is missing: which does it test?");
  std::set<std::string> seen;
  for (const std::string& name : control.statements()) {
    if (!IsStatement(name))
      refuse("statements",
             fmt::format("{} is no statement; they are MT-01 to MT-{} and "
                         "BZ-01 to BZ-{}",
                         enc::Tty(HostText(name)), kLastMt, kLastBz));
    if (!seen.insert(name).second)
      refuse("statements", name + " is listed twice");
  }
}

void CheckText(const v1::Text& text, const std::string& key,
               const Refuse& refuse) {
  if (text.en().empty()) refuse(key, key + " has no English (en)");
  if (text.ja().empty()) refuse(key, key + " has no Japanese (ja)");
}

// The keys every control has.
void CheckKeys(const v1::Control& control, const Refuse& refuse) {
  if (!IsId(control.id()))
    refuse("id", "the id is lower-case words joined by \"-\"");
  CheckStatements(control, refuse);
  CheckText(control.title(), "title", refuse);
  if (control.has_why()) CheckText(control.why(), "why", refuse);
  if (control.has_fix()) CheckText(control.fix(), "fix", refuse);
  if (control.severity() == v1::SEVERITY_UNSPECIFIED)
    refuse("severity", "severity is missing: low, medium, high or critical");
  if (control.violations().empty())
    refuse("violations", "violations is missing: a SELECT of what is wrong");
  if (!control.remediation().empty() && !IsId(control.remediation()))
    refuse("remediation", "remediation is the name of a playbook");
  if (!control.has_flags())
    refuse("flags", "flags is missing: a host it must find fault with");
  if (!control.has_clears())
    refuse("clears", "clears is missing: a host it must leave alone");
}

Access CompileQuery(const std::string& key, const std::string& sql,
                    Tables& tables, const Refuse& refuse) {
  if (sql.empty()) return {};
  auto access = tables.Compile(sql);
  if (!access.ok()) {
    refuse(key, key + ": " + Message(access.status()));
    return {};
  }
  std::set<std::string> seen;
  for (const std::string& column : access->columns)
    if (!seen.insert(column).second)
      refuse(key, fmt::format("{}: two columns are called {}; name one by AS",
                              key, column));
  return *std::move(access);
}

void TryExample(const CompiledControl& control, const std::string& key,
                const v1::Snapshot& example, v1::Verdict wanted, Tables& tables,
                const Refuse& refuse) {
  if (const absl::Status status = tables.LoadAll(example); !status.ok())
    return refuse(key, key + ": " + Message(status));
  const Judgement judgement =
      Evaluate(control, tables, Sight::Clear(), kExampleNow, kExampleLimits);
  if (judgement.verdict == wanted) return;
  switch (judgement.verdict) {
    case v1::VERDICT_NOT_APPLICABLE:
      return refuse(key, fmt::format("`applies` does not apply to the example "
                                     "under {}",
                                     key));
    case v1::VERDICT_PASS:
      return refuse(key, "does not flag its own example under flags");
    case v1::VERDICT_FAIL:
      return refuse(key, "flags the example under clears");
    default:
      return refuse(key, fmt::format("on the example under {}: {}", key,
                                     enc::Tty(judgement.reason)));
  }
}

}  // namespace

CompiledControl CompileControl(v1::Control control, Tables& tables,
                               const Refuse& refuse) {
  bool sound = true;
  const Refuse note = [&](const std::string& key, const std::string& why) {
    sound = false;
    refuse(key, why);
  };
  CompiledControl compiled;
  compiled.control = std::move(control);
  const v1::Control& c = compiled.control;
  CheckKeys(c, note);
  compiled.applies = CompileQuery("applies", c.applies(), tables, note);
  compiled.violations =
      CompileQuery("violations", c.violations(), tables, note);
  compiled.digest = Sha256(c.SerializeAsString());
  if (!sound) return compiled;
  TryExample(compiled, "flags", c.flags(), v1::VERDICT_FAIL, tables, refuse);
  TryExample(compiled, "clears", c.clears(), v1::VERDICT_PASS, tables, refuse);
  return compiled;
}

}  // namespace metsuke
