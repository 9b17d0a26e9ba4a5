#include "collectors/audit_event_reader.h"

#include <auparse.h>
#include <fmt/format.h>
#include <libaudit.h>

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "collectors/audit_call.h"
#include "collectors/audit_fields.h"
#include "proto/event_id.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

// What is kept of a text that a user may choose.
constexpr size_t kMaxText = 256;
// sudo says in one record what it runs and in the next that it begins, or that
// a password was wrong and then that it refuses.
constexpr size_t kMostPrograms = 1000;

std::string Kept(std::string_view text) {
  return ToUtf8(text.substr(0, kMaxText));
}

}  // namespace

class AuditEventReader::Parser {
 public:
  Parser(NameOfUid name_of, BootAt boot_at, TakeAuditEvent take)
      : name_of_(std::move(name_of)),
        boot_at_(std::move(boot_at)),
        take_(std::move(take)),
        state_(auparse_init(AUSOURCE_FEED, nullptr)) {
    if (state_ == nullptr) return;
    auparse_set_escape_mode(state_, AUPARSE_ESC_RAW);
    auparse_add_callback(
        state_,
        [](auparse_state_t*, auparse_cb_event_t what, void* self) {
          if (what == AUPARSE_CB_EVENT_READY)
            static_cast<Parser*>(self)->TakeEvent();
        },
        this, nullptr);
  }
  ~Parser() {
    if (state_ != nullptr) auparse_destroy(state_);
  }

  bool good() const { return state_ != nullptr; }

  void Read(std::string_view lines, bool telling) {
    if (state_ == nullptr) return;
    telling_ = telling;
    auparse_feed(state_, lines.data(), lines.size());
    // The library would wait for what shows that the event is whole.
    auparse_flush_feed(state_);
  }

 private:
  void TakeEvent() {
    const au_event_t* const stamp = auparse_get_timestamp(state_);
    if (stamp == nullptr || auparse_first_record(state_) <= 0) return;
    stamp_ = {static_cast<uint64_t>(stamp->sec) * 1000 + stamp->milli,
              stamp->serial};
    std::optional<AuditCall> call;
    bool configured = false;
    do {
      const AuditFields fields(state_);
      switch (auparse_get_type(state_)) {
        case AUDIT_USER_START:
          TellSession(fields, "login");
          break;
        case AUDIT_USER_END:
          TellSession(fields, "logout");
          break;
        case AUDIT_USER_AUTH:
          TellFailure(fields);
          break;
        case AUDIT_USER_CMD:
          TakeCommand(fields);
          break;
        case AUDIT_CONFIG_CHANGE:
          // The kernel sets a rule anew when the file it names is replaced.
          if (fields.Raw("op") == "updated_rules") break;
          TellChange(fields);
          configured = true;
          break;
        case AUDIT_DAEMON_START: TellDaemon(fields, "auditd started"); break;
        case AUDIT_DAEMON_END: TellDaemon(fields, "auditd ended"); break;
        case AUDIT_DAEMON_ABORT: TellDaemon(fields, "auditd broke off"); break;
        case AUDIT_DAEMON_CONFIG:
          TellDaemon(fields, "auditd was configured anew");
          break;
        case AUDIT_SYSCALL:
          call.emplace(fields);
          break;
        case AUDIT_EXECVE:
        case AUDIT_CWD:
        case AUDIT_PATH:
          if (call) call->Add(auparse_get_type(state_), fields);
          break;
        default:
          break;
      }
    } while (auparse_next_record(state_) > 0);
    if (call && !configured) TellCall(*call);
  }

  // "su" or "sudo" when one of them wrote the record; the name of the program
  // is the writer's word, and only who may write records gets this far.
  static std::string_view ServiceOf(const AuditFields& fields) {
    const std::string exe = fields.Text("exe");
    for (const std::string_view name : {"sudo", "su"})
      for (const std::string_view folder : {"/usr/bin/", "/bin/"})
        if (exe == fmt::format("{}{}", folder, name)) return name;
    return "";
  }

  v1::Event Begin(std::optional<uint32_t> login_uid, std::string_view kind,
                  std::string_view service) const {
    v1::Event event;
    event.set_kind(std::string(kind));
    event.set_service(Kept(service));
    event.set_time(static_cast<int64_t>(stamp_.milliseconds / 1000));
    event.set_count(1);
    event.set_source("audit");
    if (login_uid) event.set_login_account(name_of_(*login_uid));
    return event;
  }
  v1::Event Begin(const AuditFields& fields, std::string_view kind,
                  std::string_view service) const {
    return Begin(fields.Uid("auid"), kind, service);
  }

  // Names the event, once all else is set.
  void Tell(v1::Event event, uint64_t process) const {
    if (!telling_) return;
    event.set_id(
        EventId(stamp_.milliseconds * 1000,
                fmt::format("audit\n{}\n{}\n{}\n{}\n{}", stamp_.serial, process,
                            event.kind(), event.account(), event.detail())));
    take_(std::move(event), process);
  }

  void TellSession(const AuditFields& fields, std::string_view kind) {
    const std::string_view service = ServiceOf(fields);
    const auto pid = fields.Number("pid");
    if (service.empty() || !pid || fields.Raw("res") != "success" ||
        !fields.Text("op").starts_with("PAM:session_"))
      return;
    v1::Event event = Begin(fields, kind, service);
    event.set_account(Kept(fields.Text("acct")));
    if (const auto uid = fields.Uid("uid")) event.set_actor(name_of_(*uid));
    const auto program = programs_.find(*pid);
    if (service == "sudo" && program != programs_.end()) {
      if (kind == "login") event.set_detail(program->second);
      programs_.erase(program);
    }
    if (!telling_) return;
    const std::string boot = boot_at_(stamp_.milliseconds * 1000);
    event.set_session(fmt::format("{}-{}", boot, *pid));
    Tell(std::move(event), *pid);
  }

  void TellFailure(const AuditFields& fields) {
    const std::string_view service = ServiceOf(fields);
    const uint64_t pid = fields.Number("pid").value_or(0);
    if (service.empty()) return;
    if (fields.Raw("res") != "failed") {
      failed_.erase(pid);
      return;
    }
    if (failed_.size() >= kMostPrograms) failed_.clear();
    failed_.insert(pid);
    v1::Event event = Begin(fields, "login_failed", service);
    // Of sudo it is the user whose password was asked for.
    event.set_account(service == "su" ? Kept(fields.Text("acct")) : "");
    if (const auto uid = fields.Uid("uid")) event.set_actor(name_of_(*uid));
    event.set_method("password");
    Tell(std::move(event), pid);
  }

  // Never the arguments: a program's name ends at the first blank.
  void TakeCommand(const AuditFields& fields) {
    const auto pid = fields.Number("pid");
    const std::string command = fields.Text("cmd");
    const std::string program = Kept(command.substr(0, command.find(' ')));
    if (!pid || ServiceOf(fields) != "sudo") return;
    if (fields.Raw("res") == "success") {
      if (programs_.size() >= kMostPrograms) programs_.clear();
      programs_[*pid] = program;
      return;
    }
    // After a wrong password that is all that sudo refuses by.
    if (failed_.erase(*pid) > 0) return;
    v1::Event event = Begin(fields, "login_failed", "sudo");
    if (const auto uid = fields.Uid("uid")) event.set_actor(name_of_(*uid));
    event.set_method("policy");
    event.set_detail(program);
    Tell(std::move(event), *pid);
  }

  // Who changed what the kernel records: rules, and whether it records at all.
  void TellChange(const AuditFields& fields) {
    v1::Event event = Begin(fields, "recorder", "audit");
    event.set_actor(event.login_account());
    std::string what = fields.Raw("op");
    for (const char* name :
         {"audit_enabled", "audit_pid", "audit_failure", "audit_backlog_limit",
          "audit_backlog_wait_time", "audit_rate_limit"})
      if (const std::string value = fields.Raw(name); !value.empty())
        what += fmt::format(" {}={}", name, value);
    if (const std::string key = fields.Keys(); !key.empty())
      what += fmt::format(" {}", key);
    if (fields.Raw("res") == "0") what += ": refused";
    event.set_detail(Kept(what));
    Tell(std::move(event), 0);
  }

  // What auditd writes of itself; the account is that of who told it to end.
  void TellDaemon(const AuditFields& fields, const std::string& what) {
    v1::Event event = Begin(fields, "recorder", "audit");
    event.set_actor(event.login_account());
    event.set_detail(what);
    Tell(std::move(event), 0);
  }

  void TellCall(const AuditCall& call) {
    if (!call.IsTold()) return;
    v1::Event event = Begin(call.login_uid, call.executes ? "command" : "file",
                            call.exe.substr(call.exe.rfind('/') + 1));
    if (call.uid) event.set_actor(name_of_(*call.uid));
    if (call.euid) event.set_account(name_of_(*call.euid));
    event.set_detail(Kept(fmt::format("{}: {}{}", call.key,
                                      call.executes ? call.exe : call.object,
                                      call.refused ? ": refused" : "")));
    Tell(std::move(event), call.pid);
  }

  const NameOfUid name_of_;
  const BootAt boot_at_;
  const TakeAuditEvent take_;
  auparse_state_t* const state_;
  bool telling_ = true;
  AuditStamp stamp_;
  std::map<uint64_t, std::string> programs_;  // of sudo, by its process
  std::set<uint64_t> failed_;  // processes whose user did not know the password
};

AuditEventReader::AuditEventReader(NameOfUid name_of, BootAt boot_at,
                                   TakeAuditEvent take)
    : parser_(std::make_unique<Parser>(std::move(name_of), std::move(boot_at),
                                       std::move(take))) {}

AuditEventReader::~AuditEventReader() = default;

bool AuditEventReader::good() const { return parser_->good(); }

void AuditEventReader::Read(std::string_view lines) {
  parser_->Read(lines, true);
}

void AuditEventReader::Remember(const AuditLine& read, std::string_view line) {
  for (const std::string_view type :
       {"USER_AUTH", "USER_CMD", "USER_START", "USER_END"})
    if (read.type == type) parser_->Read(fmt::format("{}\n", line), false);
}

}  // namespace metsuke
