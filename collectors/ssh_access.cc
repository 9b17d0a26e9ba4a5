// Fills the ssh_access table: what sshd's configuration allows to whom from
// where (ssh_matrix.h), joined with the passwords, keys and shells of the
// accounts.
//
// Not looked at, so that rows say too much rather than too little: pam_access
// and other modules that refuse, /etc/nologin, principals of certificates,
// limits on time. What users can write (their keys) never hides a row of
// others.

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <set>

#include "collectors/account_keys.h"
#include "collectors/collector.h"
#include "collectors/pam_stack.h"
#include "collectors/passwd.h"
#include "collectors/ssh_listeners.h"
#include "collectors/ssh_matrix.h"
#include "collectors/ssh_pattern.h"
#include "collectors/sshd_state.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectAccounts(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectInterfaces(const Host& host, v1::Snapshot& snapshot);
absl::Status CollectSshAccess(const Host& host, v1::Snapshot& snapshot);

namespace {

constexpr char kTable[] = "ssh_access";
// Each takes about 8 ms.
constexpr size_t kMostQuestions = 400;
constexpr size_t kMostNetworks = 512;
constexpr int kMostRows = 50'000;
// Lists of from= that are read; each takes some milliseconds at worst.
constexpr size_t kMostLists = 2000;
// No name of an account has a blank or a slash (useradd(8)), and no pattern
// that is meant for some account matches this.
constexpr char kNobody[] = "metsuke/nobody";

// One account with what it can show.
struct Person {
  SshAccount account;
  PasswdEntry passwd;
  v1::Account row;
};

// A set of ways that differ in their sources alone.
struct Way {
  std::string method, restrictions, why;
  bool usable;

  auto operator<=>(const Way&) const = default;
};

AddressSet Everywhere() {
  AddressSet all = AddressSet::All(false);
  all.Add(AddressSet::All(true));
  return all;
}

void AddWord(std::string& text, const std::string& word) {
  if (!word.empty()) text += (text.empty() ? "" : "; ") + word;
}

class Access {
 public:
  Access(const Host& host, v1::Snapshot& snapshot)
      : host_(host), snapshot_(snapshot) {}

  absl::Status Collect() {
    absl::StatusOr<SshdDaemon> daemon = FindSshd(host_);
    if (!daemon.ok()) {
      daemon = SshdDaemon();
      daemon->state = SshdDaemon::State::kUnknown;
    }
    daemon_ = *std::move(daemon);
    files_ = FindSshdFiles(host_, daemon_.command.config);
    ASSIGN_OR_RETURN(settings_,
                     ReadSshdSettings(host_, daemon_.command, files_));
    state_ = SshdState(host_, daemon_, files_, settings_);
    CheckNameService();
    RETURN_IF_ERROR(FindPeople());
    const std::vector<SshListener> listeners =
        SshListeners(settings_, files_, OwnAddresses());
    if (listeners.empty())
      Gap("ListenAddress", "no address that sshd listens on could be read");
    ASSIGN_OR_RETURN(const SshMatrix matrix, Ask(listeners));
    for (const std::string& problem : matrix.problems)
      Gap("sshd's configuration", problem);
    CheckWhatIsNotSeen();
    for (size_t i = 0; i < people_.size(); ++i) {
      std::map<std::pair<size_t, Way>, AddressSet> ways;
      for (const SshMatrix::Cell& cell : matrix.cells[i])
        AddWays(people_[i], matrix.kinds[cell.kind], cell, ways);
      AddRows(people_[i], listeners, ways);
    }
    return absl::OkStatus();
  }

 private:
  // Each is said once; with `columns`, of these alone.
  void Gap(const std::string& subject, const std::string& reason,
           std::initializer_list<std::string_view> columns = {}) {
    if (gaps_.emplace(subject, reason).second)
      AddGap(snapshot_, kTable, subject, reason, columns);
  }

  // Accounts and groups of a directory are in none of the files.
  void CheckNameService() {
    const absl::StatusOr<std::string> text = host_.Read("/etc/nsswitch.conf");
    if (!text.ok()) return;
    for (const std::string_view line : Lines(*text)) {
      const std::vector<std::string_view> words =
          Words(line.substr(0, line.find('#')));
      if (words.empty() || (words[0] != "passwd:" && words[0] != "group:" &&
                            words[0] != "initgroups:"))
        continue;
      for (size_t i = 1; i < words.size(); ++i)
        if (words[i] != "files" && words[i] != "compat" &&
            words[i] != "systemd" && !words[i].starts_with('['))
          Gap("/etc/nsswitch.conf", std::string(words[0]) + " " +
                                        std::string(words[i]) +
                                        ": what it knows is not among these");
    }
  }

  absl::Status FindPeople() {
    int foreign = 0;
    v1::Snapshot accounts;
    RETURN_IF_ERROR(CollectAccounts(host_, accounts));
    std::map<std::string, v1::Account> rows;
    for (const v1::Account& row : accounts.accounts())
      rows.emplace(row.name(), row);
    ASSIGN_OR_RETURN(const auto entries, ReadPasswd(host_, &foreign));
    ASSIGN_OR_RETURN(const auto groups, ReadGroups(host_, &foreign));
    if (foreign > 0)
      Gap("/etc/passwd", "accounts or groups of NIS are not among these");
    for (const PasswdEntry& entry : entries) {
      // sshd -C cannot be asked about it.
      if (entry.name.find(',') != std::string::npos) {
        Gap(entry.name, "an account with a comma in its name");
        continue;
      }
      Person person{
          {entry.name, {}, true, entry.uid == 0}, entry, rows[entry.name]};
      // sshd knows groups by number, and calls each by its first name.
      std::map<uint32_t, std::string> names;
      std::set<uint32_t> numbers = {entry.gid};
      for (const GroupEntry& group : groups) {
        names.emplace(group.gid, group.name);
        if (std::ranges::find(group.members, entry.name) != group.members.end())
          numbers.insert(group.gid);
      }
      for (const uint32_t number : numbers)
        if (const auto name = names.find(number); name != names.end())
          person.account.groups.push_back(name->second);
      people_.push_back(std::move(person));
    }
    people_.push_back({{kNobody, {}, false, false}, {}, {}});
    return absl::OkStatus();
  }

  std::vector<IpAddress> OwnAddresses() {
    std::vector<IpAddress> addresses;
    if (!AsksForLocalAddress(files_)) return addresses;
    v1::Snapshot interfaces;
    const absl::Status status = CollectInterfaces(host_, interfaces);
    if (!status.ok()) Gap("Match LocalAddress", Message(status));
    for (const v1::Interface& interface : interfaces.interfaces()) {
      const std::string& text = interface.address();
      if (const auto address = ParseIpAddress(text.substr(0, text.find('/'))))
        addresses.push_back(*address);
    }
    std::ranges::sort(addresses);
    return addresses;
  }

  absl::StatusOr<SshMatrix> Ask(const std::vector<SshListener>& listeners) {
    std::vector<SshAccount> accounts;
    for (const Person& person : people_) accounts.push_back(person.account);
    return MakeSshMatrix(
        files_, accounts, listeners, settings_,
        [&](const SshQuestion& question) {
          return ReadSshdSettings(host_, daemon_.command, files_,
                                  question.Spec());
        },
        kMostQuestions);
  }

  void CheckWhatIsNotSeen() {
    if (files_.cut_off)
      Gap(daemon_.command.config, "it includes more than is read of it");
    if (state_ == "unknown")
      Gap("the running sshd",
          "it could not be seen, so it may apply other values than its files");
    for (const std::string& other : daemon_.others)
      Gap(other, "another SSH server runs with a configuration of its own");
  }

  // Adds what one kind of connection offers.
  void AddWays(const Person& person, const SshKind& kind,
               const SshMatrix::Cell& cell,
               std::map<std::pair<size_t, Way>, AddressSet>& ways) {
    const std::optional<AddressSet> allowed =
        SshAllowedFrom(kind.policy, person.account);
    if (!allowed)
      Gap("AllowUsers or DenyUsers",
          "its addresses cannot be told as networks");
    const AddressSet sources = cell.sources.And(allowed.value_or(Everywhere()));
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
      const Way way{method, Limits(person, kind.policy),
                    Why(kind, method, person.account.root), false};
      ways[{cell.listener, way}].Add(sources);
    }
  }

  // The ways to go through `method` with what the account has, and from where.
  std::vector<std::pair<Way, AddressSet>> Usable(const Person& person,
                                                 const SshKind& kind,
                                                 const std::string& method) {
    std::vector<std::pair<Way, AddressSet>> ways;
    if (!MayWork(person, kind.policy)) return ways;
    const std::vector<std::string_view> steps = Pieces(method, ',');
    for (const std::string_view step : steps)
      if (step != "publickey" && !Has(person, kind.policy, step)) return ways;
    const Way plain{method, Limits(person, kind.policy),
                    Why(kind, method, person.account.root), true};
    if (std::ranges::find(steps, "publickey") == steps.end()) {
      ways.emplace_back(plain, Everywhere());
      return ways;
    }
    for (const auto& [shown, from] : Keys(person, kind.policy)) {
      Way way = plain;
      AddWord(way.restrictions, shown.first);
      AddWord(way.why, shown.second);
      ways.emplace_back(std::move(way), from);
    }
    return ways;
  }

  // Whether sshd lets the account in at all, and it can do something then.
  bool MayWork(const Person& person, const SshPolicy& policy) const {
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
  static std::string Limits(const Person& person, const SshPolicy& policy) {
    std::string limits;
    if (!policy.forced_command.empty())
      AddWord(limits, "forced command " + policy.forced_command);
    if (!policy.chroot.empty()) AddWord(limits, "root is " + policy.chroot);
    if (person.account.exists && !person.row.shell_usable())
      AddWord(limits, "the shell is " + person.row.shell());
    return limits;
  }

  bool Has(const Person& person, const SshPolicy& policy,
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

  using Shown = std::pair<std::string, std::string>;  // restrictions, why

  // The keys that sshd would take, by what they allow, and from where.
  std::map<Shown, AddressSet> Keys(const Person& person,
                                   const SshPolicy& policy) {
    std::map<Shown, AddressSet> keys;
    for (const v1::AuthorizedKey& key : KeysOf(person, policy)) {
      // Of an authority the certificates are taken, whose types are others.
      const bool authority =
          key.options().find("cert-authority") != std::string::npos;
      if (key.ignored() || (!authority && !Accepted(policy, key.type())))
        continue;
      std::string restrictions;
      if (authority) AddWord(restrictions, "a certificate signed by that key");
      if (!key.command().empty() && policy.forced_command.empty())
        AddWord(restrictions, "forced command " + key.command());
      // PermitRootLogin forced-commands-only.
      if (person.account.root && policy.root_login == "forced-commands-only" &&
          key.command().empty() && policy.forced_command.empty() && !authority)
        continue;
      const std::optional<AddressSet> from = From(key, policy);
      if (!from)
        Gap(key.path(), "a key's from= cannot be told as networks", {"source"});
      if (from && from->empty()) continue;  // names of hosts
      keys[{restrictions, "key in " + key.path()}].Add(
          from.value_or(Everywhere()));
    }
    for (const std::string& path : unread_[KeysAt(person, policy)])
      keys[{"keys in " + path + " could not be read", ""}].Add(Everywhere());
    if (!policy.user_ca.empty())
      keys[{"a certificate signed by " + policy.user_ca, ""}].Add(Everywhere());
    if (!policy.keys_command.empty())
      keys[{"a key that " + policy.keys_command + " tells", ""}].Add(
          Everywhere());
    return keys;
  }

  // From where the key may be used. The text of a long list is cut off.
  std::optional<AddressSet> From(const v1::AuthorizedKey& key,
                                 const SshPolicy& policy) {
    if (key.from().empty()) return Everywhere();
    if (key.from().ends_with("…") || lists_.size() > kMostLists)
      return std::nullopt;
    const auto [known, added] = lists_.try_emplace(key.from());
    if (added) known->second = SshClientAddresses(key.from(), policy.use_dns);
    return known->second;
  }

  using KeyPlace = std::tuple<std::string, std::vector<std::string>, bool>;
  static KeyPlace KeysAt(const Person& person, const SshPolicy& policy) {
    return {person.account.name, policy.key_files, policy.strict_modes};
  }

  // Those of one account in one set of files are read once.
  const std::vector<v1::AuthorizedKey>& KeysOf(const Person& person,
                                               const SshPolicy& policy) {
    const auto [known, added] = keys_.try_emplace(KeysAt(person, policy));
    if (!added) return known->second;
    v1::Snapshot read;
    AddAccountKeys(host_, person.passwd,
                   {policy.key_files, policy.strict_modes}, read);
    // What is there may let in: who cannot read it must not say nobody.
    for (const v1::Gap& gap : read.gaps()) {
      unread_[known->first].push_back(gap.subject());
      Gap(gap.subject(), gap.reason(), {"restrictions", "why"});
    }
    known->second.assign(read.authorized_keys().begin(),
                         read.authorized_keys().end());
    return known->second;
  }

  // Keys of RSA are taken by their signatures' names.
  static bool Accepted(const SshPolicy& policy, const std::string& type) {
    const std::vector<std::string_view> names =
        Pieces(policy.key_algorithms, ',');
    const auto takes = [&](std::string_view name) {
      return std::ranges::find(names, name) != names.end();
    };
    return policy.key_algorithms.empty() || takes(type) ||
           (type == "ssh-rsa" &&
            (takes("rsa-sha2-256") || takes("rsa-sha2-512")));
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
      AddWord(why, Line(kind, "authenticationmethods"));
    for (const std::string_view step : Pieces(method, ','))
      if (const auto keyword = kKeywords.find(step); keyword != kKeywords.end())
        AddWord(why, Line(kind, std::string(keyword->second)));
    if (root) AddWord(why, Line(kind, "permitrootlogin"));
    return why;
  }

  std::string Line(const SshKind& kind, const std::string& keyword) const {
    const SshdLine* line = DecidingLine(files_, kind.active, keyword);
    // The name it had up to OpenSSH 8.6.
    if (line == nullptr && keyword == "kbdinteractiveauthentication")
      line =
          DecidingLine(files_, kind.active, "challengeresponseauthentication");
    const bool told = daemon_.command.keywords.contains(keyword);
    if (told && (line == nullptr || line->block == 0))
      return fmt::format("command line {} {}", keyword,
                         SettingOf(settings_, keyword));
    if (line == nullptr)
      return fmt::format("default {} {}", keyword,
                         SettingOf(settings_, keyword));
    return fmt::format("{}:{} {} {}", line->path, line->number, keyword,
                       line->value);
  }

  void AddRows(const Person& person, const std::vector<SshListener>& listeners,
               const std::map<std::pair<size_t, Way>, AddressSet>& ways) {
    for (const auto& [at, sources] : ways) {
      const auto& [listener, way] = at;
      std::vector<std::string> networks = {"any"};
      if (sources != listeners[listener].sources) networks = sources.Networks();
      if (networks.size() > kMostNetworks) {
        Gap(person.account.name, "more networks than are told; any is said",
            {"source"});
        networks = {"any"};
      }
      if (snapshot_.ssh_access_size() + networks.size() > kMostRows) {
        Gap(kTable, "there are more ways than are told");
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
        row.set_daemon(state_);
      }
    }
  }

  const Host& host_;
  v1::Snapshot& snapshot_;
  SshdDaemon daemon_;
  SshdFiles files_;
  SshdSettings settings_;
  std::string state_;
  std::vector<Person> people_;
  std::map<std::string, bool> elsewhere_;
  std::map<std::string, std::optional<AddressSet>> lists_;
  std::set<std::pair<std::string, std::string>> gaps_;
  std::map<KeyPlace, std::vector<v1::AuthorizedKey>> keys_;
  std::map<KeyPlace, std::vector<std::string>> unread_;
};

}  // namespace

absl::Status CollectSshAccess(const Host& host, v1::Snapshot& snapshot) {
  if (absl::IsNotFound(host.Stat(kSshd).status()))
    return Absent("sshd is not installed");
  return Access(host, snapshot).Collect();
}

}  // namespace metsuke
