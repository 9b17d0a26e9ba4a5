#include "collectors/channel.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <fstream>
#include <thread>

#include "absl/strings/match.h"
#include "collectors/packets.h"
#include "collectors/privileges.h"
#include "proto/run.h"
#include "proto/status.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;
using absl::StatusCode;
using std::chrono::milliseconds;
constexpr uid_t kAgent = 64105, kStranger = 64106;

class ChannelTest : public testing::Test {
 protected:
  ChannelTest() : folder_(fs::temp_directory_path() / fs::unique_path()) {
    fs::create_directories(folder_);
    chmod(folder_.c_str(), 0755);
    path_ = (folder_ / "socket").string();
  }
  ~ChannelTest() override { fs::remove_all(folder_); }

  // Answers one question with a table whose content is the mask and `size`
  // bytes; what Serve said is in status_.
  std::thread ServeOnce(size_t size = 0) {
    auto listener = ChannelListener::Bind(path_, kAgent);
    EXPECT_TRUE(listener.ok()) << listener.status();
    return std::thread([this, size, l = *std::move(listener)]() mutable {
      status_ = l.Serve([&](const Inquiry& inquiry) {
        v1::Collected collected;
        auto& table = *collected.add_tables();
        table.set_table(fmt::format("{} {} {} {}", inquiry.mask, inquiry.heartbeat,
                                    inquiry.position.journal.number,
                                    inquiry.position.audit.offset));
        table.set_canonical(std::string(size, 'x'));
        return collected;
      });
    });
  }

  // Exit code of `f` run as `uid`.
  template <typename F>
  static int As(uid_t uid, F&& f) {
    const pid_t child = fork();
    if (child == 0) {
      if (setgid(uid) != 0 || setuid(uid) != 0) _exit(99);
      _exit(f());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  const fs::path folder_;
  std::string path_;
  absl::Status status_;
};

TEST_F(ChannelTest, AnswersOfAnySizeArrive) {
  for (const size_t size : {size_t{0}, size_t{65'519}, size_t{65'536},
                            size_t{20} << 20}) {
    std::thread server = ServeOnce(size);
    const auto answer =
        Ask(path_,
            {.mask = 0x8000'0000'0000'0001,
             .heartbeat = 9,
             .position = {.journal = {.number = 7}, .audit = {.offset = 8}}},
            milliseconds(10'000));
    server.join();
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->tables(0).table(), "9223372036854775809 9 7 8");
    EXPECT_EQ(answer->tables(0).canonical().size(), size);
    EXPECT_TRUE(status_.ok()) << status_;
  }
}

TEST_F(ChannelTest, AnAnswerAboveTheCapIsRefusedWithAReason) {
  std::thread server = ServeOnce(size_t{65} << 20);
  const auto answer = Ask(path_, {.mask = 1}, milliseconds(10'000));
  server.join();
  EXPECT_EQ(answer.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(Message(answer.status()), "more than 67108864"));
}

TEST_F(ChannelTest, TheAgentIsHeardAndAStrangerIsNot) {
  const auto ask = [&] {
    return static_cast<int>(Ask(path_, {.mask = 1}, milliseconds(5000)).status().code());
  };
  std::thread server = ServeOnce();
  struct stat info;
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660u);
  EXPECT_EQ(As(kStranger, ask), static_cast<int>(StatusCode::kPermissionDenied));
  EXPECT_EQ(As(kAgent, ask), 0);
  server.join();
}

TEST_F(ChannelTest, WhoOpensTheSocketAnywayIsRecognised) {
  std::thread server = ServeOnce();
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  EXPECT_EQ(As(kStranger,
               [&] {
                 return static_cast<int>(
                     Ask(path_, {.mask = 1}, milliseconds(5000)).status().code());
               }),
            static_cast<int>(StatusCode::kUnavailable));
  server.join();
  EXPECT_EQ(status_.code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(Message(status_), "uid 64106 asked and was not answered");
}

// Sends `question` as it is and returns what comes back.
absl::StatusOr<std::string> Send(const std::string& path,
                                 const std::string& question) {
  const Descriptor fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const auto address = SocketAddress(path);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address),
              sizeof *address) != 0 ||
      send(fd.get(), question.data(), question.size(), 0) < 0)
    return absl::UnknownError("no socket");
  return TakePackets(fd.get(),
                     std::chrono::steady_clock::now() + milliseconds(8000));
}

TEST_F(ChannelTest, AQuestionThatIsNotOneIsRefused) {
  Question wrong_version{kChannelMagic, 1, {.mask = 1}};
  Question wrong_magic{1, kChannelVersion, {.mask = 1}};
  const auto bytes = [](const Question& q) {
    return std::string(reinterpret_cast<const char*>(&q), sizeof q);
  };
  const std::string good = bytes({kChannelMagic, kChannelVersion, {.mask = 1}});
  for (const std::string& question :
       {bytes(wrong_version), bytes(wrong_magic), good.substr(1), good + "x",
        std::string(60'000, 'x')}) {
    std::thread server = ServeOnce();
    const auto answer = Send(path_, question);
    server.join();
    EXPECT_EQ(answer.status().code(), StatusCode::kFailedPrecondition);
    EXPECT_EQ(status_.code(), StatusCode::kInvalidArgument);
  }
}

TEST_F(ChannelTest, ASilentAskerDoesNotHoldTheSocketForLong) {
  std::thread server = ServeOnce();
  const Descriptor fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const auto address = SocketAddress(path_);
  ASSERT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address),
                    sizeof *address),
            0);
  const auto start = std::chrono::steady_clock::now();
  server.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(7));
  EXPECT_FALSE(status_.ok());
}

TEST_F(ChannelTest, AnAskerWaitsNoLongerThanItsDeadline) {
  auto listener = ChannelListener::Bind(path_, kAgent);
  ASSERT_TRUE(listener.ok());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Ask(path_, {.mask = 1}, milliseconds(300)).status().code(),
            StatusCode::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(2000));
  EXPECT_EQ(Ask(path_ + "x", {.mask = 1}, milliseconds(300)).status().code(),
            StatusCode::kNotFound);
}

TEST_F(ChannelTest, AnAnswerThatIsNotOneIsRefused) {
  int ends[2];
  for (const std::string& packet :
       {std::string(3, 'x'), std::string(40, 'x'), std::string()}) {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const Descriptor ours(ends[0]);
    {
      const Descriptor theirs(ends[1]);
      if (!packet.empty()) {
        ASSERT_GT(send(theirs.get(), packet.data(), packet.size(), 0), 0);
      }
    }
    EXPECT_EQ(TakePackets(ours.get(), std::chrono::steady_clock::now() +
                                          milliseconds(1000))
                  .status()
                  .code(),
              StatusCode::kUnavailable);
  }
}

TEST_F(ChannelTest, ADeadSocketIsReplacedAndALivingOneIsNot) {
  { ASSERT_TRUE(ChannelListener::Bind(path_, kAgent).ok()); }
  const auto second = ChannelListener::Bind(path_, kAgent);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(ChannelListener::Bind(path_, kAgent).status().code(),
            StatusCode::kAlreadyExists);
  const std::string file = (folder_ / "file").string();
  std::ofstream(file) << "precious";
  EXPECT_FALSE(ChannelListener::Bind(file, kAgent).ok());
  EXPECT_EQ(fs::file_size(file), 8u);
}

// The lines of /proc/self/status that a dropped process is judged by.
std::string StatusOf(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (absl::StartsWith(line, key + ":\t")) return line.substr(key.size() + 2);
  return "";
}

TEST_F(ChannelTest, PrivilegesAreGivenUp) {
  // CAP_DAC_READ_SEARCH 2, CAP_SYS_PTRACE 19, CAP_AUDIT_CONTROL 30.
  EXPECT_EQ(As(0,
               [&] {
                 if (!DropPrivileges().ok()) return 1;
                 if (StatusOf("CapEff") != "0000000040080004") return 2;
                 if (StatusOf("CapPrm") != "0000000040080004") return 3;
                 if (StatusOf("CapBnd") != "0000000040080004") return 4;
                 if (StatusOf("CapAmb") != "0000000000000000") return 5;
                 if (StatusOf("NoNewPrivs") != "1") return 6;
                 if (chown(folder_.c_str(), 1, 1) == 0) return 7;
                 return 0;
               }),
            0);
  EXPECT_EQ(As(kStranger,
               [] {
                 if (!DropPrivileges().ok()) return 1;
                 return StatusOf("CapPrm") == "0000000000000000" ? 0 : 2;
               }),
            0);
}

// The capabilities a program has that is run so by `uid`, which could read
// everything before; the last 16 digits of a line of proc(5).
std::string CapabilitiesOf(const std::string& set, bool reads_everything) {
  const auto status =
      RunProgram({"/bin/grep", set, "/proc/self/status"},
                 {.reads_everything = reads_everything});
  return status.ok() ? status->substr(status->size() - 17, 16)
                     : Message(status.status());
}

TEST_F(ChannelTest, AProgramHasNoCapabilityButTheOneItWasGiven) {
  constexpr char kNone[] = "0000000000000000", kRead[] = "0000000000000004";
  const auto check = [&] {
    if (CapabilitiesOf("CapEff", true) != kRead) return 2;
    if (CapabilitiesOf("CapPrm", true) != kRead) return 3;
    int code = 4;
    for (const char* set : {"CapEff", "CapPrm", "CapInh", "CapAmb"}) {
      if (CapabilitiesOf(set, false) != kNone) return code;
      ++code;
    }
    return 0;
  };
  EXPECT_EQ(As(0, [&] { return DropPrivileges().ok() ? check() : 1; }), 0);
  // The user of a service with AmbientCapabilities=CAP_DAC_READ_SEARCH.
  EXPECT_EQ(As(0,
               [&] {
                 prctl(PR_SET_KEEPCAPS, 1);
                 if (setresuid(kAgent, kAgent, kAgent) != 0) return 98;
                 return DropPrivileges().ok() ? check() : 1;
               }),
            0);
}

}  // namespace
}  // namespace metsuke
