#include "collectors/event_reader.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <map>
#include <memory>
#include <vector>

#include "collectors/event_patterns.h"
#include "collectors/words.h"
#include "proto/event_id.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

// What is kept of a text that a client may choose.
constexpr size_t kMaxText = 256;

// Other names of programs: OpenSSH is several since 9.8, journald called itself
// otherwise before systemd 220, and what serves a login by gdm takes the end of
// its command line, "[pam/gdm-password]", for its name; the kernel cuts names.
constexpr std::pair<std::string_view, std::string_view> kOtherNames[] = {
    {"sshd-session", "sshd"},
    {"sshd-auth", "sshd"},
    {"systemd-journal", "systemd-journald"},
    {"journal", "systemd-journald"},
    {"gdm-password]", "gdm-session-worker"},
    {"gdm-autologin]", "gdm-session-worker"},
    {"gdm-fingerprint]", "gdm-session-worker"},
    {"gdm-smartcard]", "gdm-session-worker"},
    {"gdm-pin]", "gdm-session-worker"},
    {"gdm-session-wor", "gdm-session-worker"},
};

std::string_view ProgramOf(std::string_view identifier) {
  for (const auto& [other, name] : kOtherNames)
    if (identifier == other) return name;
  return identifier;
}

// Whether a process of an ordinary user may write what the program writes: it
// is set-user-id, and its real uid is that of who called it.
bool MaySpeakForItself(std::string_view program) {
  for (const std::string_view name :
       {"su", "sudo", "passwd", "chsh", "chfn", "gpasswd"})
    if (program == name) return true;
  return false;
}

// Whether an executable with this path can be `program` of the system. A
// program that was replaced since its start is marked by the kernel.
bool IsExecutable(std::string_view exe, std::string_view program) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (exe.ends_with(kDeleted)) exe.remove_suffix(kDeleted.size());
  bool system = false;
  for (const std::string_view folder : {"/usr/", "/bin/", "/sbin/", "/lib/"})
    system = system || exe.starts_with(folder);
  return system && ProgramOf(exe.substr(exe.rfind('/') + 1)) == program;
}

// Whether the record is of a service that gives up root's rights, as rsyslogd does
// with $PrivDropToUser: systemd alone puts processes into the service's control
// group, by which journald knows the unit.
bool IsOfItsUnit(std::string_view program, const JournalRecord& record) {
  return program == "rsyslogd" && record.unit == "rsyslog.service" &&
         IsExecutable(record.exe, program);
}

// Whose word the record is, as v1::Event::source has it; empty when `program`
// cannot have written it.
//
// The uid came with the record (unix(7), SCM_CREDENTIALS). The executable
// journald looks up afterwards: of a process that was gone by then it knows
// none, as is usual of programs that write a line and end, and a user can have
// it see another one than that which wrote, by exec just before or after. So it
// decides about root's processes alone; what a user's process wrote is told in
// any case, as unproven where another executable was seen.
std::string_view WordOf(std::string_view program, const JournalRecord& record) {
  if (program == "systemd-journald")
    return record.transport == "driver" ? "journal" : "";
  if (record.transport != "syslog" && record.transport != "journal") return "";
  // What it hands to journald itself (omjournal) is the word of whoever sent it;
  // its own it gives to syslog(3).
  if (program == "rsyslogd" && record.transport != "syslog") return "";
  if (record.uid != 0 && IsOfItsUnit(program, record)) return "journal";
  if (record.uid != 0) return MaySpeakForItself(program) ? "user" : "";
  if (!record.exe.empty())
    return IsExecutable(record.exe, program) ? "journal" : "";
  const bool may =
      record.comm.empty() || ProgramOf(record.comm) == program;
  return may ? "root" : "";
}

// A sentence, ready to be matched.
class Sentence {
 public:
  explicit Sentence(const EventPattern& pattern)
      : pattern_(&pattern), expression_(pattern.sentence, Options()) {}

  const EventPattern& pattern() const { return *pattern_; }
  bool good() const { return expression_.ok(); }

  // The named groups and what they matched; nothing when it is not this one.
  std::optional<std::map<std::string, std::string_view>> Match(
      std::string_view message) const {
    constexpr int kGroups = 8;
    re2::StringPiece found[kGroups];
    const re2::StringPiece text(message.data(), message.size());
    const int groups = expression_.NumberOfCapturingGroups() + 1;
    if (!expression_.Match(text, 0, text.size(), RE2::ANCHOR_BOTH, found,
                           groups))
      return std::nullopt;
    std::map<std::string, std::string_view> matched;
    for (const auto& [name, number] : expression_.NamedCapturingGroups())
      matched[name] = {found[number].data(), found[number].size()};
    return matched;
  }

 private:
  // Host text need not be UTF-8.
  static RE2::Options Options() {
    RE2::Options options(RE2::Latin1);
    options.set_dot_nl(true);
    return options;
  }

  const EventPattern* pattern_;
  RE2 expression_;
};

using Sentences =
    std::map<std::string_view, std::vector<std::unique_ptr<Sentence>>>;

const Sentences& AllSentences() {
  static const Sentences* const all = [] {
    auto* sentences = new Sentences;
    for (const EventPattern& pattern : EventPatterns())
      (*sentences)[pattern.identifier].push_back(
          std::make_unique<Sentence>(pattern));
    return sentences;
  }();
  return *all;
}

std::string Kept(std::string_view text) {
  return ToUtf8(text.substr(0, kMaxText));
}

// `detail` with `word` in it.
std::string Detail(std::string_view detail, const std::string& word) {
  if (detail.empty()) return word;
  const size_t at = detail.find("{}");
  if (at == detail.npos) return std::string(detail);
  return fmt::format("{}{}{}", detail.substr(0, at), word,
                     detail.substr(at + 2));
}

void Fill(const std::map<std::string, std::string_view>& matched,
          const EventPattern& pattern, v1::Event& event) {
  std::string word;
  for (const auto& [name, text] : matched) {
    if (name == "account") event.set_account(Kept(text));
    if (name == "actor") event.set_actor(Kept(text));
    if (name == "from") event.set_from(Kept(text));
    if (name == "method") event.set_method(Kept(text));
    if (name == "count")
      event.set_count(static_cast<uint64_t>(Number(text).value_or(1)));
    if (name == "group" || name == "detail" || name == "program")
      word = Kept(text);
  }
  event.set_detail(Detail(pattern.detail, word));
  if (event.method().empty()) event.set_method(std::string(pattern.method));
}

bool StandsTwice(std::string_view text, std::string_view message) {
  const size_t first = message.find(text);
  return first != message.npos && message.find(text, first + 1) != message.npos;
}

// Makes what can be read in two ways say so. The folder, the environment and
// the arguments of sudo may look like the words between which they stand; so
// may a name and the id of a certificate that sshd tells.
void MarkUnclear(const EventPattern& pattern, std::string_view message,
                 v1::Event& event) {
  constexpr char kUnclear[] = "unclear: the record can be read in two ways";
  if (pattern.identifier == "sudo") {
    const bool user = StandsTwice(" ; USER=", message);
    if (user) event.clear_account();
    if (user || StandsTwice(" ; COMMAND=", message)) event.set_detail(kUnclear);
  }
  // What sshd says at the end may have been chosen by the client, as the name it
  // changes to.
  const bool free_end = message.find("ssh2: ") != message.npos ||
                        message.starts_with("Disconnecting ");
  if (pattern.service == "ssh" && free_end && event.kind() == "login_failed") {
    static const RE2* const kFrom = new RE2(
        R"( from \S+ port \d+.* from \S+ port \d+|^Disconnecting .* port \d+: .* port \d+: )");
    if (!RE2::PartialMatch(re2::StringPiece(message.data(), message.size()), *kFrom)) return;
    event.clear_account();
    event.clear_from();
    event.set_detail(kUnclear);
  }
}

std::string IdOf(const JournalRecord& record) {
  return EventId(record.time,
                 fmt::format("{}\n{}\n{}\n{}", record.boot, record.monotonic,
                             record.pid, record.message));
}

// What only an ordinary user's process vouches for is about that user alone.
bool SpeaksOfItself(const std::string& who, v1::Event& event) {
  if (event.kind() == "account" || event.kind() == "group")
    return event.account() == who;
  event.set_actor(who);
  return true;
}

}  // namespace

std::span<const std::string_view> EventIdentifiers() {
  static const std::vector<std::string_view>* const all = [] {
    auto* names = new std::vector<std::string_view>;
    for (const auto& [name, sentences] : AllSentences()) names->push_back(name);
    for (const auto& [other, name] : kOtherNames) names->push_back(other);
    return names;
  }();
  return *all;
}

std::optional<v1::Event> ReadEvent(const JournalRecord& record,
                                   const NameOfUid& name_of) {
  const std::string_view program = ProgramOf(record.identifier);
  const auto sentences = AllSentences().find(program);
  if (sentences == AllSentences().end()) return std::nullopt;
  const std::string_view word = WordOf(program, record);
  if (word.empty()) return std::nullopt;
  for (const auto& sentence : sentences->second) {
    const auto matched = sentence->Match(record.message);
    if (!matched) continue;
    const EventPattern& pattern = sentence->pattern();
    if (pattern.kind.empty()) return std::nullopt;
    v1::Event event;
    event.set_count(1);
    Fill(*matched, pattern, event);
    event.set_kind(std::string(pattern.kind));
    event.set_service(std::string(pattern.service));
    event.set_source(std::string(word));
    MarkUnclear(pattern, record.message, event);
    if (word == "user" && !SpeaksOfItself(name_of(record.uid), event))
      return std::nullopt;
    event.set_time(static_cast<int64_t>(record.time / 1'000'000));
    if (word == "user" && !record.exe.empty() &&
        !IsExecutable(record.exe, program)) {
      event.set_kind("unproven");
      event.set_detail(Kept(fmt::format("written by {}", record.exe)));
    }
    if (record.login_uid) event.set_login_account(name_of(*record.login_uid));
    if (event.kind() == "login" || event.kind() == "logout")
      event.set_session(
          fmt::format("{}-{}", record.boot.substr(0, 8), record.pid));
    event.set_id(IdOf(record));
    return event;
  }
  return std::nullopt;
}

}  // namespace metsuke
