#include "controller/page/labels.h"

#include <algorithm>
#include <iterator>

namespace metsuke {
namespace {

struct Label {
  const char* name;
  const char* en;
  const char* ja;
};

constexpr Label kLabels[] = {
    {"product", "Metsuke", "目付 Metsuke"},
    {"blind", "Not seen", "確認できなかったもの"},
    {"blind_none", "Everything that was to be looked at was seen.",
     "確認すべきものはすべて確認できた。"},
    {"fresh", "new", "新規"},
    {"trend", "Score and drift over time", "スコアと変化の推移"},
    {"trend_none", "There is no time yet to show.",
     "表示できる期間がまだない。"},
    {"trend_part",
     "Nights tell of the whole fleet once there are two. This page divides its "
     "own time instead, the finer the fewer hosts there are; what turned and "
     "turned back within a division is not in it.",
     "夜間報告は全サーバーについて 2 回目から推移となる。このページでは代わりに"
     "対象期間を区切って示す。サーバーが少ないほど細かく、区間内で元に戻った変化"
     "は含まれない。"},
    {"trend_worse", "upwards: verdicts that turned worse", "上: 悪化した判定"},
    {"trend_better", "downwards: verdicts that turned better",
     "下: 改善した判定"},
    {"trend_facts", "facts changed", "事実の変化あり"},
    {"trend_blind", "below: something was not seen",
     "最下段: 確認できなかったものあり"},
    {"trend_gap", "no report; the next one tells of it",
     "報告なし（次回の報告に含まれる）"},
    {"trend_untold", "drift not known", "変化は不明"},
    {"trend_baseline", "another baseline", "ベースラインの変更"},
    {"numbers", "Numbers", "数値"},
    {"day", "Day", "日付"},
    {"score", "Score", "スコア"},
    {"hosts", "Hosts", "サーバー"},
    {"worse", "Worse", "悪化"},
    {"better", "Better", "改善"},
    {"facts", "Facts", "事実"},
    {"unseen", "Not seen", "未確認"},
    {"changes", "What changed", "変わったもの"},
    {"changes_none", "Nothing changed in this time.",
     "この期間に変化はなかった。"},
    {"fleet", "Hosts", "サーバー"},
    {"fleet_about",
     "Hosts that stand alike share a line, those not seen first, then the "
     "worst. A number is how many controls fail.",
     "同じ状態のサーバーは 1 "
     "行にまとめ、確認できないもの、スコアの低いものの順に"
     "示す。数字は不適合の件数。"},
    {"fleet_none", "No host was in the fleet.", "サーバーが登録されていない。"},
    {"pass", "pass", "適合"},
    {"waived", "waived", "例外"},
    {"waived_sign", "w", "例"},
    {"unknown", "could not be judged", "判定不能"},
    {"not_applicable", "not applicable", "対象外"},
    {"critical", "critical", "緊急"},
    {"high", "high", "高"},
    {"medium", "medium", "中"},
    {"low", "low", "低"},
    {"fails", "Fails", "不適合"},
    {"blind_of", "Could not be judged", "判定不能"},
    {"untold",
     "The lines further down do not name their controls, because there are too "
     "many: metsukectl posture HOST does.",
     "件数が多いため、下の方の行では項目名を省いた。metsukectl posture HOST "
     "で表示。"},
    {"controls", "Controls", "項目"},
    {"controls_about",
     "What fails or could not be judged, the worst first; what shows it, once "
     "for all hosts it is on.",
     "不適合と判定不能の項目を重大なものから示す。証拠は該当するサーバーを"
     "まとめて 1 回だけ示す。"},
    {"controls_none", "No control fails, and all could be judged.",
     "不適合も判定不能もない。"},
    {"passing", "Fail nowhere", "不適合のない項目"},
    {"evidence", "Evidence", "証拠"},
    {"where", "Where", "該当サーバー"},
    {"why", "Why", "理由"},
    {"fix", "What to do", "対処"},
    {"statements", "Statements", "チェックシート"},
    {"lines", "Lines above", "上の表の行"},
    {"logs", "How far logs reach back", "ログをさかのぼれる期間"},
    {"logs_about",
     "Days from the first record that can be read to the end of the report. "
     "Bar: from the host that reaches back least to the one that does most; "
     "dot: the middle one; line: what the baseline asks for. A new host does "
     "not reach that far yet.",
     "読み取れる最初の記録から報告の終わりまでの日数。帯は最短から最長、点は中"
     "央、"
     "縦線はベースラインが求める日数。新しいサーバーはまだ届かない。"},
    {"logs_none", "No log was found.", "ログが見つからない。"},
    {"logs_unseen", "Logs could not be looked at",
     "ログを確認できなかったサーバー"},
    {"coverage", "Coverage", "確認率"},
    {"coverage_about",
     "All controls that apply, over all hosts, by what they are about.",
     "対象となる項目の判定結果を全サーバーについて分野ごとに示す。"},
    {"filter", "Filter", "絞り込み"},
    {"search", "Host, label, control, evidence",
     "サーバー、ラベル、項目、証拠"},
    {"severity", "Severity from", "重大度"},
    {"any", "any", "すべて"},
    {"only_blind", "only what was not seen", "未確認のみ"},
    {"shown", "shown", "件を表示"},
    {"show_all", "Show all", "すべて表示"},
    {"nothing", "Nothing matches the filter.", "該当なし"},
};

constexpr Label kGroups[] = {
    {"account", "Accounts", "アカウント"},
    {"audit", "Audit", "監査"},
    {"group", "Groups", "グループ"},
    {"host", "Host", "サーバー"},
    {"kernel", "Kernel", "カーネル"},
    {"log", "Logs", "ログ"},
    {"login", "Logins", "ログイン"},
    {"net", "Network", "ネットワーク"},
    {"package", "Packages", "パッケージ"},
    {"password", "Passwords", "パスワード"},
    {"port", "Ports", "ポート"},
    {"service", "Services", "サービス"},
    {"ssh", "SSH", "SSH"},
    {"sudo", "sudo", "sudo"},
    {"web", "Web", "ウェブ"},
};

constexpr Label kLogs[] = {
    {"application", "applications", "アプリケーション"},
    {"audit", "audit", "監査"},
    {"auth", "authentication", "認証"},
    {"btmp", "failed logins (btmp)", "ログイン失敗 (btmp)"},
    {"database", "databases", "データベース"},
    {"journal", "journal", "ジャーナル"},
    {"mail", "mail", "メール"},
    {"syslog", "syslog", "syslog"},
    {"web", "web", "ウェブ"},
    {"wtmp", "logins (wtmp)", "ログイン (wtmp)"},
};

template <size_t kSize>
std::string Find(const Label (&labels)[kSize], const std::string& name,
                 const Words& words) {
  const Label* const label = std::ranges::find(labels, name, &Label::name);
  return label == std::end(labels) ? name : words.Say(label->en, label->ja);
}

}  // namespace

Value::Fields PageLabels(const Words& words) {
  Value::Fields labels;
  for (const Label& label : kLabels)
    labels.emplace(label.name, words.Say(label.en, label.ja));
  return labels;
}

std::string GroupTitle(const std::string& word, const Words& words) {
  return Find(kGroups, word, words);
}

std::string LogTitle(const std::string& source, const Words& words) {
  return Find(kLogs, source, words);
}

}  // namespace metsuke
