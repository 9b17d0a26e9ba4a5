#include <crypt.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <lastlog.h>
#include <pwd.h>
#include <shadow.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <utmp.h>

#include <boost/filesystem/operations.hpp>
#include <fstream>
#include <memory>

#include "collectors/collector.h"
#include "collectors/last_login.h"
#include "collectors/passwd.h"
#include "collectors/shadow.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectAccounts(const Host&, v1::Snapshot&);
absl::Status CollectGroups(const Host&, v1::Snapshot&);

namespace {

namespace fs = boost::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A hash of "secret" by the method of `prefix`.
std::string Hash(const char* prefix) {
  crypt_data data{};
  const char* setting = crypt_gensalt(prefix, 0, nullptr, 0);
  if (setting == nullptr) return "";
  return crypt_r("secret", setting, &data);
}

std::string StateOf(std::string_view field) {
  const PasswordState state = ClassifyPassword(field);
  return std::string(state.state) + " " + std::string(state.hash) +
         (state.strong ? "" : " weak");
}

TEST(Passwords, AreClassedAsTheHostsOwnLibraryMakesThem) {
  EXPECT_EQ(StateOf(Hash("$y$")), "set yescrypt");
  EXPECT_EQ(StateOf(Hash("$gy$")), "set gost-yescrypt");
  EXPECT_EQ(StateOf(Hash("$7$")), "set scrypt");
  EXPECT_EQ(StateOf(Hash("$2b$")), "set bcrypt");
  EXPECT_EQ(StateOf(Hash("$6$")), "set sha512");
  EXPECT_EQ(StateOf(Hash("$5$")), "set sha256 weak");
  EXPECT_EQ(StateOf(Hash("$sha1")), "set sha1 weak");
  EXPECT_EQ(StateOf(Hash("$md5")), "set sunmd5 weak");
  EXPECT_EQ(StateOf(Hash("$1$")), "set md5 weak");
  EXPECT_EQ(StateOf(Hash("$3$")), "set nt weak");
  EXPECT_EQ(StateOf(Hash("_")), "set bsdicrypt weak");
  EXPECT_EQ(StateOf(crypt("secret", "ab")), "set des weak");
  EXPECT_EQ(StateOf("$6$rounds=5000$salt$" + Hash("$6$").substr(20)),
            "set sha512");
}

TEST(Passwords, ThatNothingHashesToAreNone) {
  for (const char* field : {"*", "!", "!!", "!*", "x", "*LK*", "NP", "ab", "LK",
                            "$6$", "$6$salt", "$y$", "$1$salt$short", "$$$",
                            "$9$unknown$method", "*K*NOLOGIN", "\xff\xfe"})
    EXPECT_EQ(StateOf(field), "none ") << field;
  EXPECT_EQ(StateOf(""), "empty ");
}

TEST(Passwords, AreLockedByAnExclamationMarkBeforeAHash) {
  EXPECT_EQ(StateOf("!" + Hash("$y$")), "locked yescrypt");
  EXPECT_EQ(StateOf("!!" + Hash("$1$")), "locked md5 weak");
  EXPECT_EQ(StateOf("*" + Hash("$6$")), "none ");
}

// Lines on which readers of these files have differed.
constexpr char kOddPasswd[] =
    "root:x:0:0:root:/root:/bin/bash\n"
    "# a comment\n"
    "\n"
    "  indented:x:7:7::/:/bin/sh\n"
    "short:x:1:1\n"
    "nogid:x:1\n"
    "letters:x:abc:1::/:/bin/sh\n"
    "plus:x:+0:0::/:/bin/sh\n"
    "blank:x: 0:0::/:/bin/sh\n"
    "minus:x:-1:-2::/:/bin/sh\n"
    "huge:x:99999999999:5::/:/bin/sh\n"
    "most:x:4294967295:4294967294::/:/bin/sh\n"
    "wraps:x:-18446744073709551615:5::/:/bin/sh\n"
    "empty:x::0::/:/bin/sh\n"
    "tail:x:0x0:0::/:/bin/sh\n"
    "colons:x:5:5:a:/h:/bin/sh:more\n"
    ":x:6:6::/:/bin/sh\n"
    "last:x:8:8:gecos:/home/last:";

TEST(Passwd, IsReadAsTheCLibraryReadsIt) {
  std::string text = kOddPasswd;
  const std::unique_ptr<FILE, int (*)(FILE*)> stream(
      fmemopen(text.data(), text.size(), "r"), fclose);
  std::vector<std::string> theirs, ours;
  while (const passwd* p = fgetpwent(stream.get()))
    theirs.push_back(std::string(p->pw_name) + "|" + std::to_string(p->pw_uid) +
                     "|" + std::to_string(p->pw_gid) + "|" + p->pw_gecos + "|" +
                     p->pw_dir + "|" + p->pw_shell);
  int foreign = 0;
  for (const PasswdEntry& p : ParsePasswd(text, &foreign))
    ours.push_back(p.name + "|" + std::to_string(p.uid) + "|" +
                   std::to_string(p.gid) + "|" + p.comment + "|" + p.home +
                   "|" + p.shell);
  EXPECT_EQ(ours, theirs);
  EXPECT_GT(ours.size(), 8u);
  EXPECT_EQ(foreign, 0);
  ParsePasswd("+\n+alice::::::\n-bob\nx:x:1:1::/:\n", &foreign);
  EXPECT_EQ(foreign, 3);
}

TEST(Group, IsReadAsTheCLibraryReadsIt) {
  std::string text =
      "root:x:0:\nadm:x:4:alice, bob ,,carol\nshort:x:5\nbad:x:y:z\n"
      " lead:x:6:a\nmany:x:7:a,b:c\nnothing\n:x:9:q\nend:x:8:z";
  const std::unique_ptr<FILE, int (*)(FILE*)> stream(
      fmemopen(text.data(), text.size(), "r"), fclose);
  std::vector<std::string> theirs, ours;
  while (const group* g = fgetgrent(stream.get())) {
    theirs.push_back(g->gr_name + ("|" + std::to_string(g->gr_gid)));
    for (char** m = g->gr_mem; *m != nullptr; ++m) theirs.back() += *m;
  }
  int foreign = 0;
  for (const GroupEntry& g : ParseGroup(text, &foreign)) {
    ours.push_back(g.name + "|" + std::to_string(g.gid));
    for (const std::string& m : g.members) ours.back() += m;
  }
  EXPECT_EQ(ours, theirs);
  EXPECT_GT(ours.size(), 4u);
}

TEST(Shadow, IsReadAsTheCLibraryReadsIt) {
  std::string text =
      "a:*:19000:0:99999:7:::\nb:*:::::::\nc:*:19000:0:99999\nd:*:1:0\n"
      "e:*:1:0:\nf:*\ng\nh:*:x:0:1:7:::\ni:*:5:1:2:3:4:5:6\nj:*:0:0:9:::9:\n"
      "# k:*:1:1:1:1:::\n l:*:1:1:1:1:::\nn:*:1:1:1:\no:*:1:1:1:7:1:\n"
      "p:*:1:1:1:7:1:1\nq:*:1:1:1:7:1:1:x\nr:*:1:1:1:7:::1:\na:*:2:2:2:2:::\nm:"
      "*:1:1:1:7\n";
  const std::unique_ptr<FILE, int (*)(FILE*)> stream(
      fmemopen(text.data(), text.size(), "r"), fclose);
  std::map<std::string, std::string> theirs, ours;
  while (const spwd* s = fgetspent(stream.get()))
    theirs.emplace(
        s->sp_namp,
        std::to_string(s->sp_lstchg) + " " + std::to_string(s->sp_min) + " " +
            std::to_string(s->sp_max) + " " + std::to_string(s->sp_warn) + " " +
            std::to_string(s->sp_inact) + " " + std::to_string(s->sp_expire));
  for (const auto& [name, s] : ParseShadow(text))
    ours.emplace(
        name, std::to_string(s.changed) + " " + std::to_string(s.min) + " " +
                  std::to_string(s.max) + " " + std::to_string(s.warn) + " " +
                  std::to_string(s.inactive) + " " + std::to_string(s.expires));
  EXPECT_EQ(ours, theirs);
  EXPECT_GT(ours.size(), 5u);
}

const v1::Account& Row(const v1::Snapshot& snapshot, const std::string& name) {
  for (const v1::Account& row : snapshot.accounts())
    if (row.name() == name) return row;
  static const v1::Account kNone;
  ADD_FAILURE() << "no account " << name;
  return kNone;
}

TEST(Accounts, TellWhoCanLogIn) {
  HostFolder folder;
  folder.Write("bin/bash", "");
  folder.Write("etc/login.defs", "# x\nUID_MIN\t\t 500\nUID_MAX 60000\n");
  folder.Write("etc/passwd",
               "root:x:0:0:root:/root:/bin/bash\n"
               "daemon:x:1:1::/:/usr/sbin/nologin\n"
               "alice:x:500:500:Alice:/home/alice:/bin/bash\n"
               "open::501:501::/:/bin/zsh\n"
               "old:" +
                   Hash("$1$") +
                   ":502:502::/:\n"
                   "lost:x:503:503::/:/bin/bash\n"
                   "nobody:x:65534:65534::/:/bin/false\n");
  folder.Write("etc/shadow", "root:" + Hash("$y$") +
                                 ":19000:0:99999:7:::\n"
                                 "daemon:*:19001:0:99999:7:::\n"
                                 "alice:!" +
                                 Hash("$6$") +
                                 ":0:1:90:14:30:20000:\n"
                                 "nobody:!:::::::\n");
  v1::Snapshot snapshot;
  ASSERT_TRUE(CollectAccounts(RecordedHost(folder.path()), snapshot).ok());
  ASSERT_EQ(snapshot.accounts_size(), 7);
  EXPECT_EQ(snapshot.gaps_size(), 0);
  const v1::Account& root = Row(snapshot, "root");
  EXPECT_EQ(root.password(), "set");
  EXPECT_EQ(root.hash(), "yescrypt");
  EXPECT_EQ(root.password_changed(), 19000 * 86400);
  EXPECT_EQ(root.password_inactive_days(), -1);
  EXPECT_TRUE(root.shell_usable());
  EXPECT_FALSE(root.system());
  const v1::Account& alice = Row(snapshot, "alice");
  EXPECT_EQ(alice.password(), "locked");
  EXPECT_EQ(alice.password_changed(), 0);
  EXPECT_EQ(alice.password_max_days(), 90);
  EXPECT_EQ(alice.expires(), 20000 * 86400);
  EXPECT_FALSE(alice.system());
  EXPECT_TRUE(Row(snapshot, "daemon").system());
  EXPECT_FALSE(Row(snapshot, "daemon").shell_usable());
  EXPECT_EQ(Row(snapshot, "open").password(), "empty");
  EXPECT_FALSE(Row(snapshot, "open").shell_usable()) << "/bin/zsh is not there";
  EXPECT_EQ(Row(snapshot, "old").hash(), "md5");
  EXPECT_FALSE(Row(snapshot, "old").hash_strong());
  EXPECT_EQ(Row(snapshot, "old").shell(), "/bin/sh");
  EXPECT_EQ(Row(snapshot, "lost").password(), "none");
  EXPECT_EQ(Row(snapshot, "lost").password_max_days(), -1);
  EXPECT_TRUE(Row(snapshot, "nobody").system());
}

// Fails to read /etc/shadow with `status`.
class ClosedShadow : public RecordedHost {
 public:
  ClosedShadow(const fs::path& path, absl::Status status)
      : RecordedHost(path), status_(std::move(status)) {}

 protected:
  absl::StatusOr<std::string> ReadAll(std::string_view home,
                                      std::string_view path,
                                      size_t cap) const override {
    if (path == "/etc/shadow") return status_;
    return RecordedHost::ReadAll(home, path, cap);
  }

 private:
  absl::Status status_;
};

TEST(Accounts, AreNotGuessedWhenTheShadowFileIsClosed) {
  HostFolder folder;
  folder.Write("etc/passwd", "root:x:0:0::/root:/bin/bash\n");
  v1::Snapshot snapshot;
  const ClosedShadow closed(folder.path(),
                            absl::PermissionDeniedError("/etc/shadow"));
  EXPECT_TRUE(absl::IsPermissionDenied(CollectAccounts(closed, snapshot)));
  EXPECT_EQ(snapshot.accounts_size(), 0);
  // Without the file the field of /etc/passwd counts, and "x" is no hash.
  EXPECT_TRUE(CollectAccounts(RecordedHost(folder.path()), snapshot).ok());
  EXPECT_EQ(Row(snapshot, "root").password(), "none");
}

TEST(Accounts, NeverLetAHashOut) {
  const std::string secret = "$6$saltsalt$" + std::string(86, 'Q');
  HostFolder folder;
  folder.Write("etc/passwd", "a:" + secret + ":1:1::/:/bin/sh\nb:x:2:2::/:\n" +
                                 secret + "\nc:x:3:3::/:/bin/sh\n");
  folder.Write("etc/shadow", "b:!" + secret + ":1:1:1:1:::\nc:" + secret +
                                 ":bad\n" + secret + "\n:" + secret + "\n");
  folder.Write("var/log/lastlog", "short");
  v1::Snapshot snapshot;
  const absl::Status status =
      CollectAccounts(RecordedHost(folder.path()), snapshot);
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(Row(snapshot, "b").hash(), "sha512");
  EXPECT_EQ(Row(snapshot, "a").password(), "set");
  EXPECT_THAT(snapshot.SerializeAsString(), Not(HasSubstr("QQQQ")));
  EXPECT_THAT(snapshot.SerializeAsString(), Not(HasSubstr("saltsalt")));
}

// Puts `text` into a field of a record as a program writes it.
template <size_t N>
void Fill(char (&field)[N], std::string_view text) {
  text.copy(field, N);
}

std::string LastlogRecord(int32_t time, const char* line, const char* host) {
  struct lastlog record {};
  record.ll_time = time;
  Fill(record.ll_line, line);
  Fill(record.ll_host, host);
  return {reinterpret_cast<const char*>(&record), sizeof(record)};
}

TEST(LastLogin, ReadsOneRecordOfAHugeSparseFile) {
  HostFolder folder;
  folder.Write("var/log/lastlog", "");
  const fs::path file = folder.path() / "var/log/lastlog";
  // As large as a login of the largest uid makes it.
  fs::resize_file(file, 4294967295ull * sizeof(struct lastlog));
  std::fstream out(file.string(), std::ios::in | std::ios::out);
  out.seekp(4000000000ll * sizeof(struct lastlog));
  out << LastlogRecord(1700000000, "pts/0", "192.0.2.7");
  out.seekp(5 * sizeof(struct lastlog));
  out << LastlogRecord(1600000000, "tty1", "");
  out.close();
  v1::Snapshot snapshot;
  const std::vector<PasswdEntry> accounts = {
      {"far", "x", 4000000000, 1}, {"near", "x", 5, 1}, {"never", "x", 6, 1}};
  const auto logins =
      ReadLastLogins(RecordedHost(folder.path()), accounts, snapshot);
  ASSERT_EQ(logins.size(), 2u);
  EXPECT_EQ(logins.at("far").time, 1700000000);
  EXPECT_EQ(logins.at("far").from, "192.0.2.7");
  EXPECT_EQ(logins.at("near").from, "tty1");
  EXPECT_EQ(snapshot.gaps_size(), 0);
}

// The bytes of a database made by `sql`.
std::string Database(const std::string& sql) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(":memory:", &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_int64 size = 0;
  unsigned char* bytes = sqlite3_serialize(database, "main", &size, 0);
  std::string copy(reinterpret_cast<char*>(bytes), size);
  sqlite3_free(bytes);
  sqlite3_close(database);
  return copy;
}

constexpr char kLastlog2[] =
    "CREATE TABLE Lastlog2(Name TEXT PRIMARY KEY, Time INTEGER, TTY TEXT,"
    " RemoteHost TEXT, Service TEXT);"
    "INSERT INTO Lastlog2 VALUES('alice',1700000001,'ssh','192.0.2.8','sshd'),"
    " ('bob',1700000002,'tty1','','login');";

TEST(LastLogin, TakesTheNewestOfAllRecords) {
  HostFolder folder;
  folder.Write("var/log/lastlog",
               LastlogRecord(1, "", "") + LastlogRecord(1800000000, "", "new"));
  std::string bytes = Database(kLastlog2);
  bytes[18] = bytes[19] = 2;  // as a file in WAL mode has it
  folder.Write("var/lib/lastlog/lastlog2.db", bytes);
  v1::Snapshot snapshot;
  const auto logins =
      ReadLastLogins(RecordedHost(folder.path()),
                     {{"root", "x", 0, 0}, {"bob", "x", 1, 1}}, snapshot);
  EXPECT_EQ(logins.at("alice").from, "192.0.2.8");
  EXPECT_EQ(logins.at("bob").from, "new");
  EXPECT_EQ(logins.at("root").time, 1);
}

TEST(LastLogin, SaysWhatOfADatabaseItCannotRead) {
  EXPECT_FALSE(ParseLoginDatabase("", kLastlog2Query).ok());
  EXPECT_FALSE(ParseLoginDatabase("not a database", kLastlog2Query).ok());
  EXPECT_FALSE(
      ParseLoginDatabase(Database("CREATE TABLE other(x)"), kLastlog2Query)
          .ok());
  // A view that never ends, in place of the table.
  EXPECT_FALSE(
      ParseLoginDatabase(
          Database("CREATE VIEW Lastlog2 AS WITH RECURSIVE r(Name, Time, "
                   "RemoteHost, TTY) AS (SELECT 1,1,1,1 UNION ALL SELECT "
                   "Name+1,1,1,1 FROM r) SELECT * FROM r"),
          kLastlog2Query)
          .ok());
  const std::string whole = Database(kLastlog2);
  for (size_t i = 0; i < whole.size(); i += 7) {
    std::string damaged = whole;
    damaged[i] ^= 0x55;
    ParseLoginDatabase(damaged, kLastlog2Query).IgnoreError();
    ParseLoginDatabase(whole.substr(0, i), kLastlog2Query).IgnoreError();
  }
  HostFolder folder;
  folder.Write("var/lib/lastlog/lastlog2.db", "junk");
  v1::Snapshot snapshot;
  ReadLastLogins(RecordedHost(folder.path()), {}, snapshot);
  ASSERT_EQ(snapshot.gaps_size(), 1);
  EXPECT_EQ(snapshot.gaps(0).subject(), "/var/lib/lastlog/lastlog2.db");
}

std::string WtmpRecord(short type, const char* user, const char* host,
                       int32_t time) {
  struct utmp record {};
  record.ut_type = type;
  Fill(record.ut_user, user);
  Fill(record.ut_host, host);
  Fill(record.ut_line, "pts/1");
  record.ut_tv.tv_sec = time;
  return {reinterpret_cast<const char*>(&record), sizeof(record)};
}

TEST(LastLogin, IsInWtmpTooWhereLastlogIsEmpty) {
  HostFolder folder;
  folder.Write("var/log/lastlog", "");
  folder.Write("var/log/wtmp",
               WtmpRecord(USER_PROCESS, "alice", "198.51.100.1", 100) +
                   WtmpRecord(USER_PROCESS, "alice", "", 300) +
                   WtmpRecord(USER_PROCESS, "alice", "198.51.100.2", 200) +
                   WtmpRecord(DEAD_PROCESS, "bob", "198.51.100.3", 400) +
                   "half a record");
  v1::Snapshot snapshot;
  auto logins = ReadLastLogins(RecordedHost(folder.path()), {}, snapshot);
  ASSERT_EQ(logins.size(), 1u);
  EXPECT_EQ(logins.at("alice").time, 300);
  EXPECT_EQ(logins.at("alice").from, "pts/1");
  folder.Write("var/log/wtmp.db",
               Database("CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, Type "
                        "INTEGER, User TEXT, Login INTEGER, Logout INTEGER, "
                        "TTY TEXT, RemoteHost TEXT, Service TEXT);"
                        "INSERT INTO wtmp VALUES(1,1,'reboot',9000000,0,'~','',"
                        "''),(2,3,'bob',8000000,0,'pts/0','192.0.2.1','sshd'),"
                        "(3,3,'bob',7000000,0,'pts/0','192.0.2.2','sshd')"));
  logins = ReadLastLogins(RecordedHost(folder.path()), {}, snapshot);
  EXPECT_EQ(logins.at("bob").time, 8);
  EXPECT_EQ(logins.at("bob").from, "192.0.2.1");
  EXPECT_EQ(logins.count("reboot"), 0u);
  EXPECT_EQ(snapshot.gaps_size(), 0);
}

// The name of a gap and what it says, for each.
std::vector<std::string> GapsOf(const v1::Snapshot& snapshot) {
  std::vector<std::string> lines;
  for (const v1::Gap& gap : snapshot.gaps())
    lines.push_back(gap.subject() + ": " + gap.reason());
  return lines;
}

TEST(LastLogin, IsInRotatedFilesTooAndInAllOfALongOne) {
  HostFolder folder;
  std::string many = WtmpRecord(USER_PROCESS, "first", "192.0.2.1", 1000);
  const std::string other = WtmpRecord(USER_PROCESS, "often", "192.0.2.2", 2000);
  for (int i = 0; i < 40'000; ++i) many += other;
  folder.Write("var/log/wtmp", many);
  folder.Write("var/log/wtmp.1",
               WtmpRecord(USER_PROCESS, "old", "192.0.2.3", 900));
  folder.Write("var/log/wtmp-20251101",
               WtmpRecord(USER_PROCESS, "older", "192.0.2.4", 800));
  v1::Snapshot snapshot;
  auto logins = ReadLastLogins(RecordedHost(folder.path()), {}, snapshot);
  EXPECT_EQ(logins.size(), 4u);
  EXPECT_EQ(logins["first"].time, 1000);
  EXPECT_EQ(logins["old"].time, 900);
  EXPECT_EQ(logins["older"].time, 800);
  EXPECT_EQ(snapshot.gaps_size(), 0);
}

TEST(LastLogin, BeyondItsBoundIsAGap) {
  HostFolder folder;
  folder.Write("var/log/wtmp", "");
  fs::resize_file(folder.path() / "var/log/wtmp",
                  174'763 * sizeof(struct utmp));
  folder.Write("var/log/wtmp.1",
               WtmpRecord(USER_PROCESS, "old", "192.0.2.3", 900));
  folder.Write("var/log/wtmp.2.lz4", "xz");
  folder.Write("attributes",
               "644 0 0 3 /var/log/wtmp\n644 0 0 2 /var/log/wtmp.1\n"
               "644 0 0 1 /var/log/wtmp.2.lz4\n");
  v1::Snapshot snapshot;
  EXPECT_TRUE(
      ReadLastLogins(RecordedHost(folder.path()), {}, snapshot).empty());
  const std::string reason = "of all files only the newest 174762 records are read";
  EXPECT_THAT(GapsOf(snapshot),
              testing::ElementsAre("/var/log/wtmp: " + reason,
                                   "/var/log/wtmp.1: " + reason,
                                   "/var/log/wtmp.2.lz4: /var/log/wtmp.2.lz4: "
                                   "only gzip, xz, bzip2 and zstd are read"));
}

TEST(LastLogin, StandsInTheTableByItsDay) {
  HostFolder folder;
  folder.Write("etc/passwd", "a:x:1000:1::/:/bin/sh\n");
  std::string state;
  for (const int32_t time : {1700006400, 1700092799}) {
    folder.Write("var/log/wtmp",
                 WtmpRecord(USER_PROCESS, "a", "192.0.2.1", time));
    v1::Snapshot snapshot;
    ASSERT_TRUE(CollectAccounts(RecordedHost(folder.path()), snapshot).ok());
    EXPECT_EQ(Row(snapshot, "a").last_login(), 1700006400);
    if (!state.empty()) {
      EXPECT_EQ(snapshot.SerializeAsString(), state);
    }
    state = snapshot.SerializeAsString();
  }
}

TEST(Groups, HoldWhomTheyNameAndWhoseFirstGroupTheyAre) {
  HostFolder folder;
  folder.Write("etc/passwd",
               "carol:x:3:27::/:/bin/sh\nalice:x:1:27::/:/bin/sh\n"
               "bob:x:2:100::/:/bin/sh\n");
  folder.Write("etc/group",
               "sudo:x:27:bob,alice\nusers:x:100:\nadm:x:4:gone\n");
  v1::Snapshot snapshot;
  ASSERT_TRUE(CollectGroups(RecordedHost(folder.path()), snapshot).ok());
  ASSERT_EQ(snapshot.groups_size(), 3);
  EXPECT_THAT(snapshot.groups(0).members(),
              ElementsAre("alice", "bob", "carol"));
  EXPECT_THAT(snapshot.groups(1).members(), ElementsAre("bob"));
  EXPECT_THAT(snapshot.groups(2).members(), ElementsAre("gone"));
}

}  // namespace
}  // namespace metsuke
