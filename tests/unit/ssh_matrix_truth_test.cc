// The matrix of random configurations against what sshd says of single
// connections. METSUKE_CONFIGURATIONS is how many; METSUKE_SEED which.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <random>

#include "collectors/host.h"
#include "collectors/ssh_listeners.h"
#include "collectors/ssh_matrix.h"
#include "proto/status.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/mounted_accounts.h"

namespace metsuke {
namespace {

constexpr char kPasswd[] =
    "root:x:0:0::/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/bin/false\n"
    "alice:x:1001:1001::/:/bin/sh\nbob:x:1002:1002::/:/bin/sh\n"
    "carol:x:1003:1001::/:/bin/sh\ndave:x:1004:65534::/:/bin/sh\n";
constexpr char kGroup[] =
    "root:x:0:\nalice:x:1001:\nbob:x:1002:\nnogroup:x:65534:\n"
    "wheel:x:2000:alice,bob\nops:x:2001:bob,dave\nweb-1:x:2002:carol\n";

const std::vector<SshAccount> kAccounts = {
    {"root", {"root"}, true, true},
    {"alice", {"alice", "wheel"}, true, false},
    {"bob", {"bob", "wheel", "ops"}, true, false},
    {"carol", {"alice", "web-1"}, true, false},
    {"dave", {"nogroup", "ops"}, true, false},
    {"metsuke/nobody", {}, false, false}};

using Texts = std::vector<std::string>;
const Texts kUsers = {"root", "alice", "bob",  "carol", "a*",
                      "?ob",  "*",     "none", "*o*"};
const Texts kGroups = {"wheel", "ops", "web-*", "*", "alice", "no*", "none"};
const Texts kNetworks = {
    "10.0.0.0/8",     "10.1.0.0/16", "10.1.2.3",      "203.0.113.0/24",
    "203.0.113.9/32", "0.0.0.0/0",   "2001:db8::/32", "2001:db8:1::/48",
    "fe80::1",        "::/0",        "10.1.*",        "192.168.?.1",
    "2001:db8:*",     "*",           "10.1.2.?",      "fe80::/10",
    "fe80::1%lo",     "fe80:*"};
// These cannot be told as networks.
const Texts kOdd = {"*7", "1*", "*.1", "?.*.?", "2001:db8::*", "?e80::*",
                    "*:*", "*%lo", "fe80::%lo/10"};
const Texts kHosts = {"10.1.*",    "203.0.113.9", "*.example.com", "*",
                      "192.168.*", "fe80::1",     "10.0.0.0/8",    "fe80:*"};
const Texts kLocal = {
    "198.51.100.1", "198.51.100.0/24", "2001:db8:f::1", "2001:db8:f::/64", "*",
    "192.0.2.1",    "*.1",             "fe80::/10"};
const Texts kSources = {
    "10.1.2.3",      "10.1.2.4",    "10.1.9.9",     "10.200.0.1", "203.0.113.9",
    "203.0.113.10",  "192.168.7.1", "192.168.77.1", "8.8.8.8",    "2001:db8::1",
    "2001:db8:1::5", "fe80::1",     "fe80::2",      "2002::1",    "127.0.0.1",
    "7.7.7.7",       "10.1.2.7",    "2001:db8::7",  "1::1"};

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  size_t Below(size_t end) { return random_() % end; }
  bool Chance(int percent) { return Below(100) < static_cast<size_t>(percent); }
  const std::string& Pick(const Texts& texts) {
    return texts[Below(texts.size())];
  }

  std::string List(const Texts& texts, int odd = 0) {
    std::string list;
    do {
      list += (list.empty() ? "" : ",") + std::string(Chance(20) ? "!" : "") +
              Pick(Chance(odd) ? kOdd : texts);
    } while (Chance(40));
    return list;
  }

  // Writes a file and those it includes; returns its path.
  std::string File(HostFolder& folder, int depth) {
    const std::string name = fmt::format("c{}.conf", ++files_);
    std::string text;
    for (size_t i = Below(4) + 1; i > 0; --i) text += Setting();
    if (depth < 3 && Chance(40)) text += Include(folder, depth);
    for (size_t blocks = Below(4); blocks > 0; --blocks) {
      text += "Match " + Criteria() + "\n";
      for (size_t i = Below(3) + 1; i > 0; --i) text += "  " + Setting();
      if (depth < 3 && Chance(40)) text += Include(folder, depth);
    }
    folder.Write(name, text);
    return (folder.path() / name).string();
  }

 private:
  std::string Include(HostFolder& folder, int depth) {
    return "Include " + File(folder, depth + 1) + "\n";
  }

  std::string Criteria() {
    if (Chance(8)) return "all";
    std::string criteria;
    const auto add = [&](const char* name, const std::string& argument) {
      const char* between = Chance(10) ? "=" : Chance(5) ? Spaced() : " ";
      const char* quote = Chance(10) ? "\"" : "";
      criteria += fmt::format("{}{}{}{}{}{}", criteria.empty() ? "" : " ", name,
                              between, quote, argument, quote);
    };
    while (criteria.empty()) {
      if (Chance(35)) add("User", List(kUsers));
      if (Chance(25)) add("gROUP", List(kGroups));
      if (Chance(40)) add("Address", List(kNetworks, 15));
      if (Chance(25)) add("Host", List(kHosts, 10));
      if (Chance(25)) add("LocalAddress", List(kLocal));
      if (Chance(12)) add("LocalPort", Chance(50) ? "22" : "2222");
      if (Chance(4)) add("RDomain", "blue");
    }
    return criteria;
  }

  // OpenSSH 10 no longer takes blanks around "=" in a Match line.
  static const char* Spaced() {
    static const bool refused = [] {
      HostFolder folder;
      folder.Write("c", "Match User = a\n");
      const std::string config = (folder.path() / "c").string();
      return std::system(("/usr/sbin/sshd -T -f " + config +
                          " 2>&1 | grep -q 'Bad Match condition'")
                             .c_str()) == 0;
    }();
    return refused ? "=" : " = ";
  }

  std::string Setting() {
    const std::string yes = Chance(50) ? "yes" : "no";
    switch (Below(13)) {
      case 0:
        return "PasswordAuthentication " + yes + "\n";
      case 1:
        return "pubkeyauthentication=" + yes + "\n";
      case 2:
        return "KbdInteractiveAuthentication " + yes + "\n";
      case 3:
        return "PermitEmptyPasswords " + yes + "\n";
      case 4:
        return "PermitRootLogin " +
               Pick({"yes", "no", "prohibit-password", "without-password",
                     "forced-commands-only"}) +
               "\n";
      case 5:
        return "AuthenticationMethods " +
               Pick({"publickey", "publickey,password password",
                     "publickey,keyboard-interactive:pam"}) +
               "\n";
      case 6:
        return "AllowUsers " + Pick(kUsers) + "@" + List(kNetworks) + " " +
               Pick(kUsers) + "\n";
      case 7:
        return "DenyUsers " + Pick(kUsers) + "\n";
      case 8:
        return "AllowGroups " + Pick(kGroups) + " " + Pick(kGroups) + "\n";
      case 9:
        return "ForceCommand " + Pick({"none", "internal-sftp"}) + "\n";
      case 10:
        return "AuthorizedKeysFile " + Pick({"none", "/keys/%u"}) + "\n";
      case 11:
        return "X11Forwarding " + yes + "  # nothing to access\n";
      default:
        return "DisableForwarding " + yes + "\n";
    }
  }

  std::mt19937 random_;
  int files_ = 0;
};

int FromEnvironment(const char* name, int otherwise) {
  const char* text = getenv(name);
  return text != nullptr ? atoi(text) : otherwise;
}

class Truth {
 public:
  Truth() {
    const auto made = host_.Run(
        {"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key_});
    EXPECT_TRUE(made.ok()) << made.status();
  }

  void Check(uint32_t seed) {
    SCOPED_TRACE(fmt::format("METSUKE_SEED={}", seed));
    Generator generator(seed);
    HostFolder folder;
    const std::string included = generator.File(folder, 0);
    const std::string config = (folder.path() / "sshd_config").string();
    folder.Write("sshd_config", "HostKey " + key_ +
                                    "\nPort 22\nPort 2222\n"
                                    "UsePAM yes\nInclude " +
                                    included + "\n");
    const auto run =
        [&](std::vector<std::string> argv) -> absl::StatusOr<SshdSettings> {
      ++asked_;
      argv.insert(argv.begin(), {"/usr/sbin/sshd", "-T", "-f", config});
      const auto said = host_.Run(argv);
      if (!said.ok()) return said.status();
      return ParseSshdSettings(*said);
    };
    const auto ask = [&](const SshQuestion& question) {
      return run({"-C", question.Spec()});
    };
    const SshdFiles files = FindSshdFiles(host_, config);
    const std::string none = NoConnection(files);
    const auto settings = none.empty() ? run({}) : run({"-C", none});
    if (!settings.ok()) {
      // A daemon with such a configuration does not start.
      EXPECT_NE(Message(settings.status()).find("cannot be satisfied"),
                std::string::npos)
          << settings.status();
      return;
    }
    ++checked_;
    std::vector<IpAddress> own;
    for (const char* text : {"192.0.2.1", "192.0.2.2", "198.51.100.1",
                             "198.51.100.2", "2001:db8:f::1", "fe80::9"})
      own.push_back(*ParseIpAddress(text));
    const std::vector<SshListener> listeners =
        SshListeners(*settings, files, own);
    const auto matrix =
        MakeSshMatrix(files, kAccounts, listeners, *settings, ask, SIZE_MAX);
    ASSERT_TRUE(matrix.ok()) << matrix.status();
    for (const std::string& problem : matrix->problems)
      ASSERT_NE(problem.find("cannot be told as networks"), std::string::npos)
          << problem;
    odd_ += !matrix->problems.empty();
    for (int i = 0; i < 8; ++i) {
      const size_t account = generator.Below(kAccounts.size());
      const SshListener& listener =
          listeners[generator.Below(listeners.size())];
      const IpAddress source = *ParseIpAddress(generator.Pick(kSources));
      Compare(*matrix, account, listeners, listener, source, ask);
    }
  }

  size_t checked() const { return checked_; }
  size_t asked() const { return asked_; }
  size_t compared() const { return compared_; }
  size_t odd() const { return odd_; }

 private:
  void Compare(const SshMatrix& matrix, size_t account,
               const std::vector<SshListener>& listeners,
               const SshListener& listener, const IpAddress& source,
               const AskSshd& ask) {
    if (!listener.sources.Contains(source)) return;
    const SshQuestion question{kAccounts[account].name, source,
                               listener.address, listener.port, ""};
    const auto said = ask(question);
    ASSERT_TRUE(said.ok()) << said.status();
    int cells = 0, right = 0;
    for (const SshMatrix::Cell& cell : matrix.cells[account]) {
      if (&listeners[cell.listener] != &listener ||
          !cell.sources.Contains(source))
        continue;
      ++cells;
      right += matrix.kinds[cell.kind].policy == MakeSshPolicy(*said);
    }
    EXPECT_GT(right, 0) << question.Spec();
    // Only where a pattern cannot be told it may be otherwise, too.
    if (matrix.problems.empty()) {
      EXPECT_EQ(cells, 1) << question.Spec();
    }
    ++compared_;
  }

  const Host host_;
  HostFolder home_;
  const std::string key_ = (home_.path() / "key").string();
  size_t checked_ = 0, asked_ = 0, compared_ = 0, odd_ = 0;
};

TEST(SshMatrix, AgreesWithSshdAboutRandomConfigurations) {
  const MountedAccounts accounts(kPasswd, kGroup);
  ASSERT_TRUE(accounts.ok())
      << "needs root, to mount over /etc/passwd: " << strerror(errno);
  Truth truth;
  const int first = FromEnvironment("METSUKE_SEED", 1);
  const int count = FromEnvironment("METSUKE_CONFIGURATIONS", 80);
  for (int i = 0; truth.checked() < static_cast<size_t>(count); ++i) {
    truth.Check(first + i);
    ASSERT_FALSE(HasFailure());
    ASSERT_LT(i, 2 * count + 10) << "most do not start";
  }
  EXPECT_GT(truth.compared(), truth.checked());
  EXPECT_GT(truth.odd(), truth.checked() / 10);
  fmt::print(
      "{} configurations, {} of them odd, {} connections compared, sshd asked {} "
      "times\n",
      truth.checked(), truth.odd(), truth.compared(), truth.asked());
}

}  // namespace
}  // namespace metsuke
