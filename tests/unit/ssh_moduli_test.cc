// What of a file of moduli(5) sshd uses, by example and against sshd itself.

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "collectors/collector.h"
#include "collectors/moduli.h"
#include "proto/status.h"
#include "tests/unit/host_folder.h"
#include "tests/unit/recorded_host.h"

namespace metsuke {

absl::Status CollectSshModuli(const Host&, v1::Snapshot&);

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// An odd number of so many bits, which are a multiple of 8; prime or not, sshd
// takes the word of the file for it.
std::string Prime(uint32_t bits) {
  return "C" + std::string(bits / 4 - 2, 'A') + "B";
}

// `form` with the size that the file has for `bits` in place of "S", one more
// for "T", and the number in place of "P".
std::string Line(const std::string& form, uint32_t bits) {
  std::string line;
  for (const char c : form) {
    if (c == 'S')
      line += std::to_string(bits - 1);
    else if (c == 'T')
      line += std::to_string(bits);
    else if (c == 'P')
      line += Prime(bits);
    else
      line += c;
  }
  return line;
}

TEST(Moduli, AreCountedBySize) {
  const Moduli moduli =
      ParseModuli("# Time Type Tests Tries Size Generator Modulus\n\n" +
                  Line("20220714110357 2 6 100 S 2 P\n", 2048) +
                  Line("20220714110357 2 6 100 S 5 P\n", 2048) +
                  Line("20220714110358 2 6 100 S 2 P", 3072));
  EXPECT_THAT(moduli.groups, ElementsAre(Pair(2048, 2), Pair(3072, 1)));
  EXPECT_THAT(moduli.damaged, IsEmpty());
}

TEST(Moduli, OfNoUseAreNotDamaged) {
  const Moduli moduli = ParseModuli(
      Line("1 4 2 0 S 2 P\n", 2048) + Line("1 2 0 0 S 2 P\n", 2048) +
      Line("1 2 7 9 S 2 P\n", 2048) + Line("1 2 6 0 S 2 P\n", 2048));
  EXPECT_THAT(moduli.groups, IsEmpty());
  EXPECT_THAT(moduli.damaged, IsEmpty());
}

TEST(Moduli, ThatAreDamagedAreNamed) {
  const Moduli moduli = ParseModuli(
      Line("1 2 6 100 S 2 P\n1 2 6 100 S 2\n1 2 6 100 T 2 P\n1 2 6\n"
           "1 x 6 100 S 2 P\n1 2 6 100 S 1 P\n1 2 6 100 S 2 P x\n",
           2048) +
      std::string("1 2 6 100 2047 2 C\0AB\n", 22));
  EXPECT_THAT(moduli.groups, ElementsAre(Pair(2048, 1)));
  EXPECT_THAT(
      moduli.damaged,
      ElementsAre(Pair(2, "it is cut off"), Pair(3, HasSubstr("another size")),
                  Pair(4, "it is cut off"), Pair(5, "its type is none"),
                  Pair(6, "its generator is none"),
                  Pair(7, HasSubstr("goes on")),
                  Pair(8, HasSubstr("another size"))));
}

// sshd as it answers one client that has asked for groups of a size. Where it
// has none that fits it may say nothing for as long as LoginGraceTime
// (mm_answer_moduli in monitor.c), and so 8192 bits will do, too.
class Server {
 public:
  Server() {
    mkdir("/run/sshd", 0755);
    const std::string command =
        "ssh-keygen -q -N '' -t ed25519 -f " + Path("key");
    EXPECT_EQ(std::system(command.c_str()), 0);
    folder_.Write("config", "UsePAM no\nHostKey " + Path("key") +
                                "\nModuliFile " + Path("moduli") +
                                "\nLoginGraceTime 20\nKexAlgorithms "
                                "diffie-hellman-group-exchange-sha256\n");
  }

  void SetFile(const std::string& text) { folder_.Write("moduli", text); }

  // The prime it hands out when `bits` is asked for and the least that will do;
  // empty when it refuses.
  std::string Hands(uint32_t bits) const {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
      dup2(ends[1], 0);
      dup2(ends[1], 1);
      dup2(open("/dev/null", O_WRONLY), 2);
      close(ends[0]);
      const std::string file = Path("config");
      execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-i", "-f", file.c_str(),
            nullptr);
      _exit(127);
    }
    close(ends[1]);
    const std::string asked = Question(bits);
    EXPECT_EQ(write(ends[0], asked.data(), asked.size()),
              static_cast<ssize_t>(asked.size()));
    const std::string group = Answer(ends[0]);
    close(ends[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == 127)
        << "install openssh-server";
    return group;
  }

 private:
  std::string Path(const std::string& name) const {
    return (folder_.path() / name).string();
  }

  static std::string Number(uint32_t number) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes += static_cast<char>(number >> shift & 0xff);
    return bytes;
  }

  // RFC 4253, 6: length, length of the padding, payload, padding.
  static std::string Packet(const std::string& payload) {
    const size_t padding = 12 - (payload.size() + 5 + 4) % 8 + 0;
    return Number(static_cast<uint32_t>(payload.size() + padding + 1)) +
           static_cast<char>(padding) + payload + std::string(padding, '\0');
  }

  // Greeting, algorithms, and the request of RFC 4419, 3.
  static std::string Question(uint32_t bits) {
    std::string algorithms = "\x14" + std::string(16, 'c');
    for (const std::string names :
         {"diffie-hellman-group-exchange-sha256", "ssh-ed25519", "aes128-ctr",
          "aes128-ctr", "hmac-sha2-256", "hmac-sha2-256", "none", "none", "",
          ""})
      algorithms += Number(static_cast<uint32_t>(names.size())) + names;
    algorithms += std::string(5, '\0');
    return "SSH-2.0-test\r\n" + Packet(algorithms) +
           Packet("\x22" + Number(bits) + Number(bits) + Number(8192));
  }

  static uint32_t NumberAt(const std::string& bytes, size_t at) {
    uint32_t number = 0;
    for (size_t i = 0; i < 4; ++i)
      number = number << 8 | static_cast<unsigned char>(bytes.at(at + i));
    return number;
  }

  // The prime of the first SSH_MSG_KEX_DH_GEX_GROUP, in hexadecimal.
  static std::string Answer(int from) {
    std::string bytes;
    char part[4096];
    size_t at = std::string::npos;
    for (;;) {
      const ssize_t got = read(from, part, sizeof part);
      if (got <= 0) return "";
      bytes.append(part, static_cast<size_t>(got));
      if (at == std::string::npos && bytes.find('\n') != std::string::npos)
        at = bytes.find('\n') + 1;
      while (at != std::string::npos && at + 4 <= bytes.size() &&
             at + 4 + NumberAt(bytes, at) <= bytes.size()) {
        const std::string packet = bytes.substr(at, 4 + NumberAt(bytes, at));
        at += packet.size();
        if (packet[5] != 31) continue;
        std::string prime;
        for (const unsigned char c : packet.substr(10, NumberAt(packet, 6)))
          prime += fmt::format("{:02X}", c);
        return prime.substr(prime.find_first_not_of('0'));
      }
    }
  }

  HostFolder folder_;
};

// What a line may look like: `S` its size, `P` the number; see Line.
const std::vector<std::string> kForms = {"1 2 6 100 S 2 P",
                                         "1 0 6 100 S 2 P",
                                         "1 1 6 100 S 2 P",
                                         "1 3 6 100 S 2 P",
                                         "1 4 6 100 S 2 P",
                                         "1 6 6 100 S 2 P",
                                         "1 x 6 100 S 2 P",
                                         "1 2x 6 100 S 2 P",
                                         "1 +2 6 100 S 2 P",
                                         "1 02 6 100 S 2 P",
                                         "1 \t2 6 100 S 2 P",
                                         "1 -2 6 100 S 2 P",
                                         "1 2 0 100 S 2 P",
                                         "1 2 1 100 S 2 P",
                                         "1 2 2 100 S 2 P",
                                         "1 2 3 100 S 2 P",
                                         "1 2 4 100 S 2 P",
                                         "1 2 5 100 S 2 P",
                                         "1 2 8 100 S 2 P",
                                         "1 2 30 100 S 2 P",
                                         "1 2 31 100 S 2 P",
                                         "1 2 32 100 S 2 P",
                                         "1 2 6x 100 S 2 P",
                                         "1 2 -2 100 S 2 P",
                                         "1 2 6 0 S 2 P",
                                         "1 2 6 1 S 2 P",
                                         "1 2 6 1073741824 S 2 P",
                                         "1 2 6 1073741825 S 2 P",
                                         "1 2 6 x S 2 P",
                                         "1 2 6  S 2 P",
                                         "1 2 6 100 T 2 P",
                                         "1 2 6 100 0 2 P",
                                         "1 2 6 100 x 2 P",
                                         "1 2 6 100 0S 2 P",
                                         "1 2 6 100 Sx 2 P",
                                         "1 2 6 100 S 0 P",
                                         "1 2 6 100 S 1 P",
                                         "1 2 6 100 S 5 P",
                                         "1 2 6 100 S 02 P",
                                         "1 2 6 100 S 001 P",
                                         "1 2 6 100 S -2 P",
                                         "1 2 6 100 S ff P",
                                         "1 2 6 100 S G P",
                                         "1 2 6 100 S 2x P",
                                         "1 2 6 100 S 0x2 P",
                                         "1 2 6 100 S  P",
                                         "1 2 6 100 S 2  P",
                                         "1 2 6 100 S 2 P ",
                                         "1 2 6 100 S 2 P x",
                                         "1 2 6 100 S 2 00P",
                                         "1 2 6 100 S 2 Pzz",
                                         "1 2 6 100 S 2 P\r",
                                         "1 2 6 100 S 2 PF",
                                         "1 2 6 100 S 2 0x1P",
                                         "1 2 6 100 S 2 ",
                                         "1 2 6 100 S 2",
                                         "1 2 6 100 S",
                                         "1 2 6 100 S 2 P\t",
                                         " 1 2 6 100 S 2 P",
                                         "\t 1 2 6 100 S 2 P",
                                         "  1 2 6 100 S 2 P",
                                         "#1 2 6 100 S 2 P",
                                         " #1 2 6 100 S 2 P",
                                         "1\t2 6 100 S 2 P",
                                         "1 \t 2 6 100 S 2 P",
                                         "1=2 6 100 S 2 P",
                                         "1 = 2 6 100 S 2 P",
                                         "1 == 2 6 100 S 2 P",
                                         "=2 6 100 S 2 P",
                                         "== 2 6 100 S 2 P",
                                         "1==2 6 100 S 2 P",
                                         "1= =2 6 100 S 2 P",
                                         "\"1\" 2 6 100 S 2 P",
                                         "\"1 2\" 2 6 100 S 2 P",
                                         "\"\" 1 2 6 100 S 2 P",
                                         "\"#\" 2 6 100 S 2 P",
                                         "1\"#\" 2 6 100 S 2 P",
                                         "\"1 2 6 100 S 2 P",
                                         "1 2  6 100 S 2 P",
                                         "x 2 6 100 S 2 P",
                                         "1 2 6 100 S\t2 P",
                                         "1  2 6 100 S 2 P",
                                         "1 2 6 \n100 S 2 P",
                                         "\"1\"2 6 100 S 2 P",
                                         "1 2 \v6 100 S 2 P",
                                         "1 2 6 100 S 2 P\n\n",
                                         std::string("1 2 6 100 S 2 P\0x", 17),
                                         std::string("1 2 6 \0 100 S 2 P", 18)};

TEST(TruthModuli, SshdUsesTheLinesWeCountAndNoOthers) {
  Server sshd;
  constexpr uint32_t kFirst = 2056, kStep = 8;
  std::string file;
  for (size_t i = 0; i < kForms.size(); ++i)
    file += Line(kForms[i], kFirst + static_cast<uint32_t>(i) * kStep) + "\n";
  file += Line("1 2 6 100 S 2 P", 8192);  // a line without an end
  sshd.SetFile(file);
  const Moduli moduli = ParseModuli(file);
  size_t used = 0;
  for (size_t i = 0; i < kForms.size(); ++i) {
    const uint32_t bits = kFirst + static_cast<uint32_t>(i) * kStep;
    const std::string group = sshd.Hands(bits);
    EXPECT_NE(group, "") << kForms[i];
    const bool uses = group == Prime(bits);
    EXPECT_EQ(moduli.groups.contains(bits), uses) << kForms[i];
    used += uses;
  }
  EXPECT_EQ(moduli.groups.size(), used + 1);
  EXPECT_GT(used, 20u);
  EXPECT_LT(used, kForms.size() - 20);
}

TEST(TruthModuli, SshdHeedsOnlySizesFrom2048To8192) {
  Server sshd;
  std::string file;
  for (const uint32_t bits : {1024u, 2040u, 2048u, 8192u, 8200u})
    file += Line("1 2 6 100 S 2 P\n", bits);
  sshd.SetFile(file);
  EXPECT_EQ(ParseModuli(file).groups.size(), 5u);
  for (const uint32_t bits : {2048u, 8192u})
    EXPECT_EQ(sshd.Hands(bits), Prime(bits));
  for (const uint32_t bits : {1024u, 2040u, 8200u})
    EXPECT_NE(sshd.Hands(bits), Prime(bits));
}

TEST(TruthModuli, TheFileOfThisMachineHasWhatSshdHandsOut) {
  std::ostringstream text;
  text << std::ifstream("/etc/ssh/moduli").rdbuf();
  Server sshd;
  sshd.SetFile(text.str());
  const Moduli moduli = ParseModuli(text.str());
  EXPECT_THAT(moduli.damaged, IsEmpty());
  for (const uint32_t bits :
       {2048u, 2560u, 3072u, 4096u, 5120u, 6144u, 7680u, 8192u}) {
    // The first digit of a prime of such a size is 8 or more.
    EXPECT_EQ(moduli.groups.contains(bits), sshd.Hands(bits).size() * 4 == bits)
        << bits;
  }
}

struct Outcome {
  absl::Status status;
  v1::Snapshot snapshot;
};
Outcome Collect(HostFolder& folder, const std::string& settings) {
  folder.Write("usr/sbin/sshd", "");
  folder.Write("proc/stat", "btime 1\n");
  folder.Write("etc/ssh/sshd_config", "\n");
  folder.Write("commands/%usr%sbin%sshd -T", settings);
  folder.Write("kernel", "host\n6\nx86_64\nsynchronized\n");
  Outcome outcome;
  outcome.status =
      CollectSshModuli(RecordedHost(folder.path()), outcome.snapshot);
  return outcome;
}

TEST(SshModuli, AreReadFromTheFileSshdReads) {
  HostFolder folder;
  folder.Write("etc/ssh/moduli", Line("1 2 6 100 S 2 P\n", 2048));
  folder.Write("srv/dh", Line("1 2 6 100 S 2 P\n1 2 6 1\n", 4096));
  const auto [status, snapshot] =
      Collect(folder, "port 22\nmodulifile /srv/dh\n");
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(snapshot.ssh_moduli_size(), 1);
  EXPECT_EQ(snapshot.ssh_moduli(0).bits(), 4096u);
  EXPECT_EQ(snapshot.ssh_moduli(0).groups(), 1u);
  EXPECT_EQ(snapshot.ssh_moduli(0).path(), "/srv/dh");
  EXPECT_EQ(snapshot.ssh_moduli(0).daemon(), "not_running");
  ASSERT_EQ(snapshot.gaps_size(), 1);
  EXPECT_EQ(snapshot.gaps(0).subject(), "/srv/dh:2");
  EXPECT_THAT(snapshot.gaps(0).columns(), ElementsAre("groups"));
  // An sshd that does not know the keyword.
  EXPECT_EQ(Collect(folder, "port 22\n").snapshot.ssh_moduli(0).path(),
            "/etc/ssh/moduli");
}

TEST(SshModuli, AreAbsentWithAWordOnWhatSshdDoesThen) {
  HostFolder folder;
  const absl::Status missing = Collect(folder, "port 22\n").status;
  EXPECT_TRUE(IsAbsent(missing));
  EXPECT_THAT(Message(missing), HasSubstr("/etc/ssh/moduli is missing"));
  folder.Write("etc/ssh/moduli", "# none\n");
  const absl::Status empty = Collect(folder, "port 22\n").status;
  EXPECT_TRUE(IsAbsent(empty));
  EXPECT_THAT(Message(empty), HasSubstr("no group that sshd takes"));
  HostFolder bare;
  v1::Snapshot none;
  EXPECT_TRUE(IsAbsent(CollectSshModuli(RecordedHost(bare.path()), none)));
}

TEST(SshModuli, OfAFileThatCannotBeReadAreAnError) {
  HostFolder folder;
  boost::filesystem::create_directories(folder.path() / "etc/ssh");
  ASSERT_EQ(mkfifo((folder.path() / "etc/ssh/moduli").c_str(), 0644), 0);
  const absl::Status fifo = Collect(folder, "port 22\n").status;
  EXPECT_TRUE(absl::IsFailedPrecondition(fifo)) << fifo;
  EXPECT_THAT(Message(fifo), HasSubstr("/etc/ssh/moduli"));
}

TEST(SshModuli, OfAFileThatIsAllDamagedHaveFewGaps) {
  HostFolder folder;
  std::string file = Line("1 2 6 100 S 2 P\n", 3072);
  for (int i = 0; i < 100'000; ++i) file += "1 2 6 100\n";
  folder.Write("etc/ssh/moduli", file);
  const auto [status, snapshot] = Collect(folder, "port 22\n");
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(snapshot.ssh_moduli_size(), 1);
  ASSERT_EQ(snapshot.gaps_size(), 17);
  EXPECT_THAT(snapshot.gaps(16).reason(), HasSubstr("99984 more"));
}

}  // namespace
}  // namespace metsuke
