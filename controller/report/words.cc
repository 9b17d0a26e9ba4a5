#include "controller/report/words.h"

#include <algorithm>
#include <ctime>

namespace metsuke {
namespace {

constexpr int kMostNames = 6;

}  // namespace

std::string Local(int64_t instant, const char* form) {
  const time_t time = instant;
  std::tm local{};
  localtime_r(&time, &local);
  char text[64];
  return {text, std::strftime(text, sizeof text, form, &local)};
}

std::string Words::Count(uint32_t hosts) const {
  return Say(hosts == 1 ? "{} host" : "{} hosts", "{} 台", hosts);
}

std::string Words::Hosts(const v1::ReportHosts& hosts) const {
  std::string text = Count(hosts.count());
  const int shown = std::min(hosts.names_size(), kMostNames);
  for (int i = 0; i < shown; ++i)
    text += (i == 0 ? ": " : ", ") + hosts.names(i);
  if (hosts.count() > static_cast<uint32_t>(shown)) text += " …";
  return text;
}

std::string Words::Verdict(v1::Verdict verdict) const {
  switch (verdict) {
    case v1::VERDICT_PASS:
      return Say("pass", "適合");
    case v1::VERDICT_FAIL:
      return Say("fail", "不適合");
    case v1::VERDICT_NOT_APPLICABLE:
      return Say("not applicable", "対象外");
    default:
      return Say("unknown", "判定不能");
  }
}

std::string Words::Severity(v1::Severity severity) const {
  switch (severity) {
    case v1::SEVERITY_CRITICAL:
      return Say("critical", "緊急");
    case v1::SEVERITY_HIGH:
      return Say("high", "高");
    case v1::SEVERITY_MEDIUM:
      return Say("medium", "中");
    default:
      return Say("low", "低");
  }
}

// Whoever did it: the one who logged in, else the account that acted.
std::string Words::Who(const v1::ReportCause& cause) const {
  const v1::Event& event = cause.event();
  std::string who = !event.login_account().empty() ? event.login_account()
                    : !event.actor().empty()       ? event.actor()
                                                   : event.account();
  if (!cause.from().empty())
    who = Say("{} from {}", "{} ({} から)", who, cause.from());
  return who;
}

std::string Words::Cause(const v1::ReportCause& cause) const {
  const v1::Event& event = cause.event();
  const std::string who = Who(cause), detail = event.detail();
  std::string what;
  if (cause.kind() == "boot")
    what = Say("the host was booted", "再起動");
  else if (event.source() == "drift")
    what = Say("packages changed at the same look",
               "同時にパッケージが変更された");
  else if (event.service() == "su" || event.service() == "sudo")
    what = detail.empty() ? Say("{} became {} by {}", "{} が {} になった ({})",
                                who, event.account(), event.service())
                          : Say("{} ran {} by {}", "{} が {} を実行 ({})", who,
                                detail, event.service());
  else
    what = who.empty() ? Say("{} {}", "{} {}", event.service(), detail)
                       : Say("{} by {}: {}", "{} ({}): {}", who,
                             event.service(), detail);
  // Who merely was there is not accused.
  if (cause.kind() == "privilege")
    return Say("at that time: {}, {}", "同じ頃: {}、{}", what,
               Local(event.time(), "%m-%d %H:%M"));
  return Say("likely: {}, {}", "推定原因: {}、{}", what,
             Local(event.time(), "%m-%d %H:%M"));
}

std::string Words::Unseen(const v1::ReportUnseen& unseen) const {
  // Nobody asked such a rule at the beginning.
  return What(unseen) + (unseen.fresh() || unseen.kind() == "stale"
                             ? ""
                             : Say(" (as before)", " (以前から)"));
}

std::string Words::What(const v1::ReportUnseen& unseen) const {
  const std::string hosts = Hosts(unseen.hosts());
  if (unseen.kind() == "silent")
    return Say("silent since {}: {}", "{} から応答なし: {}",
               Local(unseen.since(), "%Y-%m-%d %H:%M"), hosts);
  if (unseen.kind() == "new")
    return Say("has never reported: {}", "まだ一度も報告がない: {}", hosts);
  if (unseen.kind() == "lost")
    return Say("{} records lost ({}): {}", "記録 {} 件を失った ({}): {}",
               unseen.records(), unseen.reason(), hosts);
  if (unseen.kind() == "damaged")
    return Say("the controller cannot read its rows of {} ({}): {}",
               "コントローラーに保存された {} の行を読めない ({}): {}",
               unseen.table(), unseen.reason(), hosts);
  if (unseen.kind() == "unasked")
    return Say("not known: {} ({}): {}", "分からない: {} ({}): {}",
               In(unseen.title()), unseen.reason(), hosts);
  if (unseen.kind() == "failed")
    return Say("{} could not be collected ({}): {}",
               "{} を収集できない ({}): {}", unseen.table(), unseen.reason(),
               hosts);
  if (unseen.kind() == "gap")
    return Say("a part of {} cannot be seen ({}): {}",
               "{} の一部が見えない ({}): {}", unseen.table(), unseen.reason(),
               hosts);
  return Say("{}: {}", "{}: {}", In(unseen.title()), hosts);
}

std::string Words::Reach(const v1::ReportReach& reach) const {
  const std::string amounts =
      reach.bytes()
          ? Say("{} → {} bytes", "{} → {} バイト", reach.before(),
                reach.after())
          : Say("{} → {} days", "{} → {} 日", reach.before(), reach.after());
  const std::string what =
      reach.kind() == "removed"
          ? Say("records went before their time", "期限前に記録が消えた")
      : reach.kind() == "configured"
          ? Say("less is to be kept", "保管の設定が短くなった")
          : Say("no record is left", "記録がなくなった");
  return fmt::format("{} {}: {}, {}  {}", reach.source(), reach.path(), what,
                     amounts, Hosts(reach.hosts()));
}

}  // namespace metsuke
