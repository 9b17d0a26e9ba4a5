#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <map>

#include "collectors/authorized_key_line.h"
#include "collectors/collector.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectAuthorizedKeys(const Host&, v1::Snapshot&);

namespace {

using ::testing::HasSubstr;

// Made for these tests; nobody has the private half.
constexpr char kEd25519[] =
    "ssh-ed25519 "
    "AAAAC3NzaC1lZDI1NTE5AAAAIFfUSd4ih7AP7GMM6aWPXKHUMmD4JFFmF0w8mn04rfJb";

// Runs a shell command of a test and returns what it prints.
std::string Shell(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  char buffer[4096];
  while (const size_t size = fread(buffer, 1, sizeof(buffer), pipe))
    text.append(buffer, size);
  EXPECT_EQ(pclose(pipe), 0) << command << ": is openssh-client installed?";
  return text;
}

// The public key that ssh-keygen makes with `options`.
std::string MakeKey(const HostFolder& folder, const std::string& name,
                    const std::string& options) {
  const std::string path = (folder.path() / name).string();
  Shell("ssh-keygen -q -N '' -C 'a comment' -f " + path + " " + options);
  return Shell("cat " + path + ".pub");
}

// "BITS FINGERPRINT" as ssh-keygen has it for a public key.
std::string Theirs(const HostFolder& folder, const std::string& line) {
  const std::string path = (folder.path() / "line.pub").string();
  FILE* file = fopen(path.c_str(), "w");
  fputs(line.c_str(), file);
  fclose(file);
  const std::string text = Shell("ssh-keygen -lf " + path);
  return text.substr(0, text.find(' ', text.find(' ') + 1));
}

std::string Ours(const std::string& line) {
  const auto key = ParseKeyLine(line);
  return key ? std::to_string(key->bits) + " " + key->fingerprint : "no key";
}

TEST(KeyLine, HasTheFingerprintAndBitsOfSshKeygen) {
  HostFolder folder;
  for (const char* options :
       {"-t ed25519", "-t rsa -b 1024", "-t rsa -b 2048", "-t rsa -b 3072",
        "-t ecdsa -b 256", "-t ecdsa -b 384", "-t ecdsa -b 521"}) {
    const std::string name = std::to_string(std::hash<std::string>()(options));
    const std::string line = MakeKey(folder, name, options);
    EXPECT_EQ(Ours(line), Theirs(folder, line)) << options;
    EXPECT_EQ(ParseKeyLine(line)->comment, "a comment") << options;
  }
}

TEST(KeyLine, OfACertificateHasTheFingerprintOfItsKey) {
  HostFolder folder;
  MakeKey(folder, "ca", "-t ed25519");
  for (const char* type : {"ed25519", "rsa", "ecdsa"}) {
    MakeKey(folder, type, std::string("-t ") + type);
    const std::string base = (folder.path() / type).string();
    Shell("ssh-keygen -q -s " + (folder.path() / "ca").string() +
          " -I id -n bob " + base + ".pub 2>&1");
    const std::string line = Shell("cat " + base + "-cert.pub");
    EXPECT_EQ(Ours(line), Theirs(folder, line)) << type;
    EXPECT_THAT(ParseKeyLine(line)->type, HasSubstr("-cert-v01@openssh.com"));
  }
}

TEST(KeyLine, OfASecurityKeyHasItsFingerprint) {
  // The blobs of sk- types are made here, as no token is at hand: the type,
  // the curve where there is one, the point, the application.
  HostFolder folder;
  for (const char* make :
       {"printf '\\0\\0\\0\\032sk-ssh-ed25519@openssh.com\\0\\0\\0\\040';"
        " printf '%032d' 7; printf '\\0\\0\\0\\004ssh:'"}) {
    const std::string blob =
        Shell("sh -c \"" + std::string(make) + "\" | base64 -w0");
    const std::string line = "sk-ssh-ed25519@openssh.com " + blob + " token\n";
    EXPECT_EQ(Ours(line), Theirs(folder, line));
    EXPECT_EQ(ParseKeyLine(line)->bits, 256u);
  }
}

TEST(KeyLine, KeepsOptionsAsWrittenAndReadsSomeOfThem) {
  const std::string options =
      "restrict,FROM=\"192.0.2.0/24,!192.0.2.9\",command=\"say \\\"a, b\\\"\","
      "no-pty,environment=\"X=from=\\\"no\\\"\"";
  const auto key = ParseKeyLine(" \t" + options + " \t " + kEd25519 +
                                "  alice at home \r\n");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->options, options);
  EXPECT_EQ(key->from, "192.0.2.0/24,!192.0.2.9");
  EXPECT_EQ(key->command, "say \"a, b\"");
  EXPECT_EQ(key->comment, "alice at home ");
  EXPECT_EQ(key->type, "ssh-ed25519");
  EXPECT_EQ(ParseKeyLine(std::string("cert-authority ") + kEd25519)->options,
            "cert-authority");
}

TEST(KeyLine, IsNoneWhereSshdFindsNone) {
  const std::string key = kEd25519;
  for (const std::string& line :
       {std::string(), std::string("  "), "# " + key,
        std::string("ssh-ed25519"), key.substr(0, key.size() - 4),
        key.substr(0, key.size() - 1), "ssh-rsa " + key.substr(12),
        "from=\"open " + key, std::string("ssh-ed25519 !!!!"), "a b " + key,
        std::string("ssh-ed25519 AAAA"), std::string("x AAAAAXg="),
        std::string(100'000, 'A'), "ssh-rsa " + std::string(100'000, 'A')})
    EXPECT_FALSE(ParseKeyLine(line)) << line.substr(0, 40);
}

TEST(KeyLine, OfAnUnknownTypeIsAKeyNevertheless) {
  // base64 of the string "new-type" and four bytes.
  const auto key = ParseKeyLine("new-type AAAACG5ldy10eXBlAAAAAA== later");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->type, "new-type");
  EXPECT_EQ(key->bits, 0u);
  EXPECT_EQ(key->comment, "later");
}

// A host with alice, bob and an sshd that says `settings`.
class KeyHost {
 public:
  explicit KeyHost(const std::string& settings = "port 22\n") {
    folder_.Write("kernel", "h\n1\nx86_64\nsynchronized\n");
    folder_.Write("usr/sbin/sshd", "");
    folder_.Write("etc/ssh/sshd_config", "");
    folder_.Write("commands/%usr%sbin%sshd -T", settings);
    folder_.Write("etc/passwd",
                  "alice:x:1000:1000::/home/alice:/bin/sh\n"
                  "bob:x:1001:1001::/home/bob/:/usr/sbin/nologin\n"
                  "gone:x:1002:1002::/home/gone:/bin/sh\n"
                  "none:x:1003:1003:::/bin/sh\n");
    folder_.Write("home/alice/.ssh/authorized_keys", Key());
    folder_.Write("home/bob/x", "");
    Attributes("");
  }
  static std::string Key() { return std::string(kEd25519) + " c\n"; }

  // Owners and modes; of two lines for one path the later counts.
  void Attributes(const std::string& lines) {
    folder_.Write("attributes",
                  "755 1000 1000 1 /home/alice\n"
                  "700 1000 1000 1 /home/alice/.ssh\n"
                  "600 1000 1000 1 /home/alice/.ssh/authorized_keys\n" +
                      lines);
  }
  HostFolder& folder() { return folder_; }

  const v1::Snapshot& Collect() {
    snapshot_.Clear();
    const absl::Status status =
        CollectAuthorizedKeys(RecordedHost(folder_.path()), snapshot_);
    EXPECT_TRUE(status.ok()) << status;
    return snapshot_;
  }
  // "account path" of each key, "-" before those sshd ignores; then the gaps.
  std::string Keys() {
    std::string text;
    for (const v1::AuthorizedKey& key : Collect().authorized_keys())
      text +=
          (key.ignored() ? "-" : "") + key.account() + " " + key.path() + "\n";
    for (const v1::Gap& gap : snapshot_.gaps())
      text += "gap " + gap.subject() + "\n";
    return text;
  }

 private:
  HostFolder folder_;
  v1::Snapshot snapshot_;
};

TEST(AuthorizedKeys, AreThoseOfEveryAccountWithAHome) {
  KeyHost host;
  host.folder().Write("home/bob/.ssh/authorized_keys2",
                      "# none\n" + KeyHost::Key() + KeyHost::Key());
  host.Attributes("600 1001 0 1 /home/bob/.ssh/authorized_keys2\n");
  EXPECT_EQ(host.Keys(),
            "alice /home/alice/.ssh/authorized_keys\n"
            "bob /home/bob/.ssh/authorized_keys2\n"
            "bob /home/bob/.ssh/authorized_keys2\n");
}

TEST(AuthorizedKeys, StandWhereSshdLooksForThem) {
  KeyHost host("authorizedkeysfile /etc/ssh/keys/%u %h/%U%%.k .k none\n");
  host.folder().Write("etc/ssh/keys/bob", KeyHost::Key());
  host.folder().Write("home/alice/1000%.k", KeyHost::Key());
  host.folder().Write("home/alice/.k", KeyHost::Key());
  EXPECT_EQ(host.Keys(),
            "alice /home/alice/1000%.k\nalice /home/alice/.k\n"
            "bob /etc/ssh/keys/bob\n");
  KeyHost none("authorizedkeysfile none\n");
  EXPECT_EQ(none.Keys(), "");
}

TEST(AuthorizedKeys, OfAccountsWithoutAHomeStandElsewhere) {
  KeyHost host("authorizedkeysfile /etc/ssh/keys/%u .k\n");
  for (const char* name : {"gone", "none", "root"})
    host.folder().Write(std::string("etc/ssh/keys/") + name, KeyHost::Key());
  EXPECT_EQ(host.Keys(),
            "gone /etc/ssh/keys/gone\nnone /etc/ssh/keys/none\n");
}

TEST(AuthorizedKeys, OfAHomeThatIsTheRootAreTheSystems) {
  KeyHost host("authorizedkeysfile .k /etc/ssh/keys/%u %h/.h\n");
  host.folder().Write("etc/passwd",
                      "root:x:0:0::/:/bin/sh\nbare:x:5:5:::/bin/sh\n"
                      "odd:x:6:6::home/odd:/bin/sh\n");
  host.folder().Write(".k", KeyHost::Key());
  host.folder().Write(".h", "");
  host.folder().Write("home/odd/.k", KeyHost::Key());
  // A link that root made is followed, as it would not be below a home.
  host.folder().Write("srv/keys/root", KeyHost::Key());
  host.folder().Link("etc/ssh/keys", "/srv/keys");
  EXPECT_EQ(host.Keys(),
            "root /.k\nroot /etc/ssh/keys/root\nbare /.k\n"
            "odd /home/odd/.k\n");
}

TEST(AuthorizedKeys, BehindANameThatIsNotUtf8AreAGap) {
  KeyHost host("authorizedkeysfile .k .l /keys/%u\n");
  host.folder().Write("etc/passwd",
                      "a:x:1:1::/home/caf\xe9:/bin/sh\n"
                      "b\xe9:x:2:2::/home/b:/bin/sh\n");
  host.folder().Write("home/caf\xe9/.k", KeyHost::Key());
  host.folder().Write("home/b/.k", "");
  EXPECT_EQ(host.Keys(),
            "gap /home/caf\uFFFD\ngap /keys/b\uFFFD\n");
}

TEST(AuthorizedKeys, AreIgnoredWhereStrictModesRefusesThem) {
  KeyHost host;
  const std::string kept = "alice /home/alice/.ssh/authorized_keys\n";
  const std::string ignored = "-" + kept;
  EXPECT_EQ(host.Keys(), kept);
  for (const char* bad :
       {"620 1000 1000 1 /home/alice/.ssh/authorized_keys\n",
        "600 1001 1000 1 /home/alice/.ssh/authorized_keys\n",
        "770 1000 1000 1 /home/alice/.ssh\n", "757 1000 1000 1 /home/alice\n",
        "755 7 1000 1 /home/alice\n"}) {
    KeyHost other;
    other.Attributes(bad);
    EXPECT_EQ(other.Keys(), ignored) << bad;
  }
  KeyHost above;
  above.Attributes("777 7 7 1 /home\n");
  EXPECT_EQ(above.Keys(), kept) << "what is above the home does not matter";
  KeyHost lax("strictmodes no\n");
  lax.Attributes("777 7 7 1 /home/alice/.ssh\n");
  EXPECT_EQ(lax.Keys(), kept);
}

TEST(AuthorizedKeys, LeaveAGapForWhatCouldHideOne) {
  KeyHost host(
      "authorizedkeyscommand /usr/bin/keys\ntrustedusercakeys /etc/ca.pub\n");
  host.folder().Write("etc/ssh/sshd_config",
                      "Match User x\nAuthorizedKeysFile /y\n");
  boost::filesystem::remove(host.folder().path() /
                            "home/alice/.ssh/authorized_keys");
  host.folder().Link("home/alice/.ssh/authorized_keys", "/etc/shadow");
  host.folder().Write("home/bob/.ssh/authorized_keys",
                      std::string(2 << 20, '\n'));
  EXPECT_EQ(host.Keys(),
            "gap /usr/bin/keys\ngap /etc/ca.pub\ngap authorizedkeysfile\n"
            "gap /home/alice/.ssh/authorized_keys\n"
            "gap /home/bob/.ssh/authorized_keys\n");
  KeyHost failing;
  failing.folder().Write("commands/%usr%sbin%sshd -T.error", "bad line 3");
  EXPECT_EQ(failing.Keys(),
            "alice /home/alice/.ssh/authorized_keys\n"
            "gap /etc/ssh/sshd_config\n");
  EXPECT_THAT(failing.Collect().gaps(0).reason(), HasSubstr("bad line 3"));
}

TEST(AuthorizedKeys, OfAFullFileEndInAGap) {
  KeyHost host;
  std::string many;
  for (int i = 0; i < 5000; ++i) many += KeyHost::Key();
  host.folder().Write("home/alice/.ssh/authorized_keys", many);
  EXPECT_EQ(host.Collect().authorized_keys_size(), 4096);
  EXPECT_EQ(host.Collect().gaps_size(), 1);
}

TEST(AuthorizedKeys, AreAbsentWithoutSshd) {
  HostFolder empty;
  v1::Snapshot snapshot;
  EXPECT_TRUE(
      IsAbsent(CollectAuthorizedKeys(RecordedHost(empty.path()), snapshot)));
}

}  // namespace
}  // namespace metsuke
