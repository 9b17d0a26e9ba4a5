#include "controller/judge/control_check.h"

#include <fmt/format.h>

#include <set>

#include "controller/judge/baseline.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/plain_text.h"
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

// What a control is scored by.
void CheckScored(const v1::Control& control, const Refuse& refuse) {
  CheckStatements(control, refuse);
  if (control.severity() == v1::SEVERITY_UNSPECIFIED)
    refuse("severity", "severity is missing: low, medium, high or critical");
}

void CheckRule(const v1::Control& control, const Refuse& refuse) {
  if (!control.statements().empty())
    refuse("statements", "a rule of reports tests no statement");
  if (control.severity() != v1::SEVERITY_UNSPECIFIED)
    refuse("severity", "a rule of reports has no severity");
}

// The keys every control has.
void CheckKeys(const v1::Control& control, Written as, const Refuse& refuse) {
  if (!IsId(control.id()))
    refuse("id", "the id is lower-case words joined by \"-\"");
  if (as == Written::kControl)
    CheckScored(control, refuse);
  else
    CheckRule(control, refuse);
  CheckText(control.title(), "title", refuse);
  if (control.has_why()) CheckText(control.why(), "why", refuse);
  if (control.has_fix()) CheckText(control.fix(), "fix", refuse);
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
                const v1::Example& example, v1::Verdict wanted, Tables& tables,
                const Refuse& refuse) {
  absl::Status loaded = tables.LoadAll(example.facts());
  if (loaded.ok()) loaded = tables.LoadAll(example.registers());
  if (!loaded.ok()) return refuse(key, key + ": " + Message(loaded));
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

void Compile(Tables& tables, const Refuse& refuse, CompiledControl& control) {
  const v1::Control& c = control.control;
  control.applies = CompileQuery("applies", c.applies(), tables, refuse);
  control.violations =
      CompileQuery("violations", c.violations(), tables, refuse);
  control.digest = Sha256(c.SerializeAsString());
}

// Puts the values of parameters into queries and sentences.
void PutIn(const Parameters& parameters, v1::Control& control,
           const Refuse& refuse) {
  const auto put = [&](const char* key, std::string& sql) {
    auto expanded = parameters.Expand(sql);
    if (expanded.ok())
      sql = *std::move(expanded);
    else
      refuse(key, fmt::format("{}: there is no parameter ${}", key,
                              Message(expanded.status())));
  };
  put("applies", *control.mutable_applies());
  put("violations", *control.mutable_violations());
  const auto put_into = [&](v1::Text& text) {
    text.set_en(parameters.ExpandSentence(text.en()));
    text.set_ja(parameters.ExpandSentence(text.ja()));
  };
  put_into(*control.mutable_title());
  if (control.has_why()) put_into(*control.mutable_why());
  if (control.has_fix()) put_into(*control.mutable_fix());
}

}  // namespace

CompiledControl CompileControl(v1::Control control, Written as,
                               Parameters parameters, Tables& tables,
                               const Refuse& refuse) {
  bool sound = true;
  const Refuse note = [&](const std::string& key, const std::string& why) {
    sound = false;
    refuse(key, why);
  };
  CheckKeys(control, as, note);
  CompiledControl tried;
  tried.control = control;
  CompiledControl compiled;
  compiled.control = control;
  PutIn(parameters, compiled.control, note);
  Compile(tables, note, compiled);
  for (const v1::Parameter& given : control.given()) {
    if (!parameters.Has(given.name()))
      note("given", fmt::format("there is no parameter {}",
                                enc::Tty(HostText(given.name()))));
    else if (const auto set = parameters.Set(given); !set.ok())
      note("given", Message(set));
  }
  if (!sound) return compiled;
  PutIn(parameters, tried.control, note);
  Compile(tables, note, tried);
  TryExample(tried, "flags", control.flags(), v1::VERDICT_FAIL, tables, refuse);
  TryExample(tried, "clears", control.clears(), v1::VERDICT_PASS, tables,
             refuse);
  return compiled;
}

}  // namespace metsuke
