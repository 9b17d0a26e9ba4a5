// Fills the ssh_access table: what sshd's configuration allows to whom from
// where (ssh_matrix.h), joined with the passwords, keys and shells of the
// accounts.
//
// Not looked at, so that rows say too much rather than too little: modules of
// PAM that refuse but pam_access and pam_nologin, and limits on time. What
// users can write (their keys) never hides a row of others.

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "collectors/collector.h"
#include "collectors/gaps.h"
#include "collectors/pam_stack.h"
#include "collectors/ssh_gate.h"
#include "collectors/ssh_keys.h"
#include "collectors/ssh_listeners.h"
#include "collectors/ssh_matrix.h"
#include "collectors/ssh_people.h"
#include "collectors/sshd_state.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectInterfaces(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectSshAccess(const Host& host, v1::Snapshot& snapshot);

namespace {

constexpr char kTable[] = "ssh_access";
// Each takes about 10 ms, and a host that needs so many takes about half as
// much to put them.
constexpr size_t kMostQuestions = 300;
constexpr size_t kMostNetworks = 512;
// Of the 15 MiB that a host's tables may have in all.
constexpr size_t kMostBytes = 8 << 20;

// Ways to log in that differ in their sources alone.
struct Way {
  std::string method, restrictions, why;
  bool usable;

  auto operator<=>(const Way&) const = default;
};

// The settings, with the addresses that are listened on.
SshdSettings Listening(const RunningSshd& sshd) {
  if (sshd.socket.empty()) return sshd.settings;
  SshdSettings settings;
  for (const std::string& address : sshd.socket)
    settings.emplace_back("listenaddress", address);
  return settings;
}

class Access {
 public:
  Access(const Host& host, RunningSshd sshd, v1::Snapshot& snapshot)
      : host_(host),
        sshd_(std::move(sshd)),
        snapshot_(snapshot),
        gaps_(kTable, snapshot),
        keys_(host, gaps_),
        gate_(host, gaps_) {}

  absl::Status Collect() {
    AddSshdGaps(sshd_, kTable, snapshot_);
    if (sshd_.files.cut_off)
      gaps_.Add(sshd_.daemon.command.config,
                "it includes more than is read of it");
    ASSIGN_OR_RETURN(const std::vector<SshPerson> people,
                     FindSshPeople(host_, gaps_));
    const std::vector<SshListener> listeners =
        SshListeners(Listening(sshd_), sshd_.files, OwnAddresses());
    if (listeners.empty())
      gaps_.Add("ListenAddress",
                "no address that sshd listens on could be read");
    ASSIGN_OR_RETURN(const SshMatrix matrix, Ask(people, listeners));
    for (const std::string& problem : matrix.problems)
      gaps_.Add("sshd's configuration", problem);
    for (size_t i = 0; i < people.size(); ++i) {
      std::map<std::pair<size_t, Way>, AddressSet> ways;
      for (const SshMatrix::Cell& cell : matrix.cells[i])
        AddWays(people[i], matrix.kinds[cell.kind], cell, ways);
      AddRows(people[i], listeners, ways);
    }
    return absl::OkStatus();
  }

 private:
  std::vector<IpAddress> OwnAddresses() {
    std::vector<IpAddress> addresses;
    if (!AsksForLocalAddress(sshd_.files)) return addresses;
    v1::Snapshot interfaces;
    const absl::Status status = CollectInterfaces(host_, interfaces);
    if (!status.ok()) gaps_.Add("Match LocalAddress", Message(status));
    for (const v1::Interface& interface : interfaces.interfaces()) {
      const std::string& text = interface.address();
      if (const auto address = ParseIpAddress(text.substr(0, text.find('/'))))
        addresses.push_back(*address);
    }
    std::ranges::sort(addresses);
    return addresses;
  }

  absl::StatusOr<SshMatrix> Ask(const std::vector<SshPerson>& people,
                                const std::vector<SshListener>& listeners) {
    std::vector<SshAccount> accounts;
    for (const SshPerson& person : people) accounts.push_back(person.account);
    return MakeSshMatrix(
        sshd_.files, accounts, listeners, sshd_.settings,
        [&](const SshQuestion& question) {
          return ReadSshdSettings(host_, sshd_.daemon.command, sshd_.files,
                                  question.Spec());
        },
        kMostQuestions);
  }

  // Adds what one kind of connection offers.
  void AddWays(const SshPerson& person, const SshKind& kind,
               const SshMatrix::Cell& cell,
               std::map<std::pair<size_t, Way>, AddressSet>& ways) {
    const SshSources allowed = SshAllowedFrom(kind.policy, person.account);
    if (!allowed.exact())
      gaps_.Add("AllowUsers or DenyUsers",
                "some of its addresses cannot be told as networks; write "
                "networks such as user@10.0.0.0/8");
    const AddressSet sources = cell.sources.And(allowed.Possible());
    if (sources.empty()) return;
    for (const std::string& method :
         SshMethods(kind.policy, person.account.root)) {
      bool usable = false;
      for (auto& [way, from] : Usable(person, kind, method)) {
        AddressSet both = from.And(sources);
        if (both.empty()) continue;
        ways[{cell.listener, way}].Add(both);
        usable = true;
      }
      if (usable) continue;
      Way way{method, Limits(person, kind.policy),
              Why(kind, method, person.account.root), false};
      AddPart(way.why, KeptOut(person, kind.policy, sources));
      ways[{cell.listener, way}].Add(sources);
    }
  }

  // The ways to go through `method` with what the account has, and from where.
  std::vector<std::pair<Way, AddressSet>> Usable(const SshPerson& person,
                                                 const SshKind& kind,
                                                 const std::string& method) {
    std::vector<std::pair<Way, AddressSet>> ways;
    if (!MayWork(person, kind.policy)) return ways;
    const std::vector<std::string_view> steps = Pieces(method, ',');
    for (const std::string_view step : steps)
      if (step != "publickey" && !Has(person, kind.policy, step)) return ways;
    std::map<SshKeys::Kind, AddressSet> keys;
    if (std::ranges::find(steps, "publickey") == steps.end())
      keys[{}] = AddressSet::Everywhere();
    else
      keys = keys_.Of(person, kind.policy);
    const SshGate::Answer& gate = gate_.Of(person, kind.policy);
    for (const auto& [key, from] : keys)
      for (const auto& [open, because] : gate.allowed) {
        Way way{method, Limits(person, kind.policy),
                Why(kind, method, person.account.root), true};
        AddPart(way.restrictions, gate.restriction);
        AddPart(way.restrictions, key.restrictions);
        AddPart(way.why, key.why);
        AddPart(way.why, because);
        ways.emplace_back(std::move(way), from.And(open));
      }
    return ways;
  }

  // What keeps the account out of all of `sources`; empty when nothing does.
  std::string KeptOut(const SshPerson& person, const SshPolicy& policy,
                      const AddressSet& sources) {
    if (!person.account.exists) return "";
    const SshGate::Answer& gate = gate_.Of(person, policy);
    const bool open = std::ranges::any_of(gate.allowed, [&](const auto& part) {
      return !part.first.And(sources).empty();
    });
    return open ? "" : gate.denied_by;
  }

  // Whether sshd lets the account in at all, and it can do something then.
  bool MayWork(const SshPerson& person, const SshPolicy& policy) const {
    if (!person.account.exists) return false;
    const v1::Account& row = person.row;
    if (row.expires() != 0 && row.expires() <= std::time(nullptr)) return false;
    if (!policy.use_pam && row.password() == "locked") return false;
    if (policy.chroot.empty() &&
        absl::IsNotFound(host_.Stat(row.shell()).status()))
      return false;
    return row.shell_usable() || !policy.chroot.empty() || policy.forwarding ||
           policy.sftp || !policy.forced_command.empty();
  }

  // What holds the account back whatever it shows.
  static std::string Limits(const SshPerson& person, const SshPolicy& policy) {
    std::string limits;
    if (!policy.forced_command.empty())
      AddPart(limits, "forced command " + policy.forced_command);
    if (!policy.chroot.empty()) AddPart(limits, "root is " + policy.chroot);
    if (person.account.exists && !person.row.shell_usable())
      AddPart(limits, "the shell is " + person.row.shell());
    return limits;
  }

  bool Has(const SshPerson& person, const SshPolicy& policy,
           std::string_view step) {
    const std::string& password = person.row.password();
    if (step == "none") return password == "empty";
    if (step == "password" || step == "keyboard-interactive") {
      // There is no keyboard-interactive but that of PAM.
      if (step == "keyboard-interactive" && !policy.use_pam) return false;
      return password == "set" ||
             (password == "empty" && policy.empty_passwords) ||
             policy.kerberos || (policy.use_pam && AskedElsewhere(policy));
    }
    // What else it takes is not looked at.
    return step != "gssapi-with-mic" || Exists("/etc/krb5.keytab");
  }

  bool Exists(const char* path) const {
    return !absl::IsNotFound(host_.Stat(path).status());
  }

  bool AskedElsewhere(const SshPolicy& policy) {
    const auto [known, added] = elsewhere_.try_emplace(policy.pam_service);
    if (added) known->second = PamAsksElsewhere(host_, policy.pam_service);
    return known->second;
  }

  // The lines that decide about `method`.
  std::string Why(const SshKind& kind, const std::string& method,
                  bool root) const {
    static const std::map<std::string_view, std::string_view> kKeywords = {
        {"publickey", "pubkeyauthentication"},
        {"password", "passwordauthentication"},
        {"keyboard-interactive", "kbdinteractiveauthentication"},
        {"hostbased", "hostbasedauthentication"},
        {"gssapi-with-mic", "gssapiauthentication"},
        {"none", "permitemptypasswords"}};
    std::string why;
    if (!kind.policy.lists.empty())
      AddPart(why, Line(kind, "authenticationmethods"));
    for (const std::string_view step : Pieces(method, ','))
      if (const auto keyword = kKeywords.find(step); keyword != kKeywords.end())
        AddPart(why, Line(kind, std::string(keyword->second)));
    if (root) AddPart(why, Line(kind, "permitrootlogin"));
    return why;
  }

  std::string Line(const SshKind& kind, const std::string& keyword) const {
    const SshdLine* line = DecidingLine(sshd_.files, kind.active, keyword);
    // The name it had up to OpenSSH 8.6.
    if (line == nullptr && keyword == "kbdinteractiveauthentication")
      line = DecidingLine(sshd_.files, kind.active,
                          "challengeresponseauthentication");
    const bool told = sshd_.daemon.command.keywords.contains(keyword);
    if (told && (line == nullptr || line->block == 0))
      return fmt::format("command line {} {}", keyword,
                         SettingOf(sshd_.settings, keyword));
    if (line == nullptr)
      return fmt::format("default {} {}", keyword,
                         SettingOf(sshd_.settings, keyword));
    return fmt::format("{}:{} {} {}", line->path, line->number, keyword,
                       line->value);
  }

  void AddRows(const SshPerson& person,
               const std::vector<SshListener>& listeners,
               const std::map<std::pair<size_t, Way>, AddressSet>& ways) {
    for (const auto& [at, sources] : ways) {
      const auto& [listener, way] = at;
      std::vector<std::string> networks = {"any"};
      if (sources != listeners[listener].sources) networks = sources.Networks();
      if (networks.size() > kMostNetworks) {
        gaps_.Add(person.account.name,
                  "more networks than are told; any is said", {"source"});
        networks = {"any"};
      }
      bytes_ += networks.size() * (way.restrictions.size() + way.why.size() +
                                   person.account.name.size() + 100);
      if (bytes_ > kMostBytes) {
        gaps_.Add(kTable, "there are more ways than are told");
        return;
      }
      for (const std::string& network : networks) {
        v1::SshAccess& row = *snapshot_.add_ssh_access();
        row.set_account(person.account.exists ? person.account.name : "*");
        row.set_source(network);
        row.set_listener(listeners[listener].name);
        row.set_method(way.method);
        row.set_usable(way.usable);
        row.set_root(person.account.root);
        row.set_restrictions(way.restrictions);
        row.set_why(way.why);
        row.set_daemon(sshd_.state);
      }
    }
  }

  const Host& host_;
  const RunningSshd sshd_;
  v1::Snapshot& snapshot_;
  Gaps gaps_;
  SshKeys keys_;
  SshGate gate_;
  size_t bytes_ = 0;
  // By the service of PAM.
  std::map<std::string, bool> elsewhere_;
};

}  // namespace

absl::Status CollectSshAccess(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(RunningSshd sshd, LookAtSshd(host));
  return Access(host, std::move(sshd), snapshot).Collect();
}

}  // namespace metsuke
