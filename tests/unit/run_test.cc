// Programs and netlink, on the machine the tests run on.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>

#include "absl/strings/match.h"
#include "collectors/host.h"
#include "collectors/recording.h"
#include "collectors/worker.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using absl::StatusCode;
using std::chrono::milliseconds;

absl::StatusOr<std::string> Shell(const std::string& script,
                                  const RunOptions& options = {}) {
  return Host().Run({"/bin/sh", "-c", script}, options);
}

TEST(Run, ReturnsWhatTheProgramPrints) {
  EXPECT_EQ(*Host().Run({"/bin/echo", "a b", "$HOME"}), "a b $HOME\n");
  EXPECT_EQ(*Shell("printf 'caf\\351'"), "caf\uFFFD");
}

TEST(Run, TheEnvironmentInputAndFolderAreOurs) {
  EXPECT_EQ(*Host().Run({"/usr/bin/env"}),
            "LC_ALL=C\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n");
  EXPECT_EQ(*Host().Run({"/bin/cat"}), "");
  EXPECT_EQ(*Host().Run({"/bin/pwd"}), "/\n");
}

TEST(Run, OnRequestItsErrorsAreTakenAndItHasAFolderForFiles) {
  EXPECT_EQ(*Shell("echo err >&2; echo out; exit 1",
                   {.accepted_codes = {1}, .with_errors = true}),
            "out\nerr\n");
  EXPECT_EQ(*Host().Run({"/usr/bin/env"}, {.temporary = "/run/x"}),
            "LC_ALL=C\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nTMPDIR=/run/x\n");
  // A failure tells no more of it than otherwise.
  EXPECT_LT(Message(Shell("yes | head -c 100000 >&2; exit 3",
                          {.with_errors = true})
                        .status())
                .size(),
            2000u);
}

TEST(Run, NoDescriptorReachesTheProgram) {
  // On purpose without O_CLOEXEC, as a careless library might.
  const int leak = open("/etc/passwd", O_RDONLY);
  ASSERT_GT(leak, 2);
  // ls has the folder it lists as 3.
  EXPECT_EQ(*Host().Run({"/bin/ls", "/proc/self/fd"}), "0\n1\n2\n3\n");
  EXPECT_EQ(*Host().Run({"/bin/readlink", "/proc/self/fd/3"},
                        {.accepted_codes = {1}}),
            "");
  close(leak);
}

TEST(Run, AFailureTellsTheBeginningOfStandardError) {
  const auto failed = Shell("echo out; echo 'bad option' >&2; exit 3");
  EXPECT_EQ(failed.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(Message(failed.status()), "/bin/sh: exit code 3: bad option");
  EXPECT_EQ(*Shell("echo out; exit 3", {.accepted_codes = {3}}), "out\n");
  EXPECT_EQ(Message(Shell("kill -9 $$").status()),
            "/bin/sh: killed by signal 9");
}

TEST(Run, WhatIsNotInstalledIsNotFound) {
  const Host host;
  EXPECT_EQ(host.Run({"/usr/bin/none-such"}).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(host.Run({"/etc/passwd"}).status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(host.Run({"/etc"}).status().code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(host.Run({"ls"}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(host.Run({}).status().code(), StatusCode::kInvalidArgument);
}

TEST(Run, BothPipesAreDrained) {
  const auto out = Shell(
      "head -c 300000 /dev/zero | tr '\\0' e >&2; "
      "head -c 300000 /dev/zero | tr '\\0' o");
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(out->size(), 300000u);
}

TEST(Run, TheCapIsHard) {
  EXPECT_EQ(Shell("printf 12345", {.cap = 5})->size(), 5u);
  EXPECT_EQ(Shell("printf 123456", {.cap = 5}).status().code(),
            StatusCode::kResourceExhausted);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Host().Run({"/usr/bin/yes"}).status().code(),
            StatusCode::kResourceExhausted);
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(3000));
}

// Reads /proc because the grandchild is nobody's child any more.
bool Alive(const std::string& pid) {
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return false;
  return line.substr(line.rfind(')') + 2, 1) != "Z";
}

TEST(Run, TheDeadlineKillsTheWholeGroup) {
  char file[] = "/tmp/metsuke-grandchild-XXXXXX";
  close(mkstemp(file));
  const auto start = std::chrono::steady_clock::now();
  const auto late = Shell(
      std::string("sleep 60 & echo $! > ") + file + "; wait",
      {.deadline = milliseconds(300)});
  EXPECT_EQ(late.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(2000));
  std::string grandchild;
  std::ifstream(file) >> grandchild;
  unlink(file);
  ASSERT_FALSE(grandchild.empty());
  usleep(100'000);
  EXPECT_FALSE(Alive(grandchild));
}

TEST(Run, AGrandchildThatHoldsThePipeDoesNotHoldUs) {
  const auto start = std::chrono::steady_clock::now();
  const auto out = Shell("sleep 60 & echo $!");
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(2000));
  usleep(100'000);
  EXPECT_FALSE(Alive(out->substr(0, out->size() - 1)));
}

TEST(Run, TheProgramDiesWithWhoStartedIt) {
  char file[] = "/tmp/metsuke-orphan-XXXXXX";
  close(mkstemp(file));
  const pid_t parent = fork();
  if (parent == 0) {
    (void)Shell(std::string("echo $$ > ") + file + "; exec sleep 60");
    _exit(0);
  }
  std::string program;
  for (int i = 0; i < 100 && program.empty(); ++i) {
    usleep(20'000);
    std::ifstream(file) >> program;
  }
  unlink(file);
  ASSERT_TRUE(Alive(program));
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  usleep(200'000);
  EXPECT_FALSE(Alive(program));
}

TEST(Run, NoProgramOutlivesItsCollector) {
  EXPECT_LT(kLongestRun, WorkerLimits().deadline);
  EXPECT_EQ(Host().Run({"/bin/true"}, {.deadline = kLongestRun + milliseconds(1)})
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Run, AProgramMayMapMoreThanItsCaller) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{64u << 20, 1024u << 20};
    setrlimit(RLIMIT_AS, &limit);
    const auto said = Shell("ulimit -v");
    _exit(said.ok() && *said == "1048576\n" ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(Run, IsLiveUnlessItsInputsAreKnown) {
  const Host host;
  host.StartRecording({});
  (void)host.Run({"/bin/true"});
  EXPECT_TRUE(host.TakeRecording().live());
  host.StartRecording({});
  (void)host.Run({"/bin/true"}, {.inputs = {"/usr/share", "/none"}});
  const Recording recording = host.TakeRecording();
  EXPECT_FALSE(recording.live());
  EXPECT_EQ(recording.ToProto().sightings_size(), 3);
  EXPECT_TRUE(host.Unchanged(recording));
}

TEST(Run, AnswersAgainWithoutRunningWhileItsInputsAreTheSame) {
  const boost::filesystem::path input =
      boost::filesystem::temp_directory_path() /
      boost::filesystem::unique_path("metsuke-%%%%%%%%");
  std::ofstream(input.string()) << "one";
  usleep(1'100'000);  // so that its times can be trusted
  const Host host;
  Recording last;
  // A program that never says the same twice.
  const auto ask = [&](const std::string& format) {
    host.StartRecording(std::move(last));
    host.ReadLive();  // as a collector that also reads what is never the same
    const auto said =
        host.Run({"/bin/date", format}, {.inputs = {input.string()}});
    last = host.TakeRecording();
    EXPECT_TRUE(said.ok()) << said.status();
    return said.value_or("");
  };
  const std::string first = ask("+%s.%N");
  EXPECT_EQ(ask("+%s.%N"), first);
  EXPECT_EQ(ask("+%s.%N"), first) << "an answer given again is kept";
  EXPECT_TRUE(last.live());
  std::ofstream(input.string(), std::ios::app) << "two";
  EXPECT_NE(ask("+%s.%N"), first);
  // Other arguments ask something else; and what was not asked is forgotten.
  EXPECT_EQ(ask("+"), "\n");
  EXPECT_EQ(last.AnswerTo({"/bin/date", "+%s.%N"}), nullptr);
  boost::filesystem::remove(input);
}

// The request of rtnetlink(7) for all addresses.
std::string AddressRequest(uint16_t type, uint16_t flags) {
  struct {
    nlmsghdr header;
    rtgenmsg message;
  } request{};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.message);
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = NLM_F_REQUEST | flags;
  request.message.rtgen_family = AF_UNSPEC;
  return std::string(reinterpret_cast<const char*>(&request),
                     request.header.nlmsg_len);
}

TEST(Netlink, AnswersADumpWithItsMessagesAlone) {
  const auto answer = Host().Netlink("links", NETLINK_ROUTE,
                                     AddressRequest(RTM_GETLINK, NLM_F_DUMP));
  ASSERT_TRUE(answer.ok()) << answer.status();
  size_t links = 0;
  for (size_t at = 0; at + sizeof(nlmsghdr) <= answer->size(); ++links) {
    nlmsghdr header;
    memcpy(&header, answer->data() + at, sizeof header);
    ASSERT_EQ(header.nlmsg_type, RTM_NEWLINK);
    at += NLMSG_ALIGN(header.nlmsg_len);
  }
  // As many as sysfs knows, but for files that are no interfaces.
  const auto names = Host().List("/sys/class/net");
  ASSERT_TRUE(names.ok()) << names.status();
  size_t known = 0;
  for (const std::string& name : *names) known += name != "bonding_masters";
  EXPECT_EQ(links, known);
}

TEST(Netlink, AnErrorOfTheKernelIsAStatus) {
  EXPECT_EQ(Host()
                .Netlink("nonsense", NETLINK_ROUTE,
                         AddressRequest(RTM_MAX + 1, NLM_F_ACK))
                .status()
                .code(),
            StatusCode::kUnavailable);
  EXPECT_EQ(Host().Netlink("no protocol", 31, std::string(16, '\0'))
                .status()
                .code(),
            StatusCode::kUnimplemented);
  EXPECT_EQ(Host().Netlink("short", NETLINK_ROUTE, "x").status().code(),
            StatusCode::kInvalidArgument);
}

TEST(Kernel, IsWhatUnameSays) {
  EXPECT_EQ(Host().Kernel()->release + "\n",
            *Host().Run({"/bin/uname", "-r"}));
}

}  // namespace
}  // namespace metsuke
