// What collectors say of the machine the tests run on, held against what the
// system's own tools say of it. Nothing here is recorded: the tools are the
// truth, and one that is missing fails the test.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/descriptor.h"
#include "collectors/package_updates.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {

absl::Status CollectInterfaces(const Host&, v1::Snapshot&);
absl::Status CollectPackages(const Host&, v1::Snapshot&);
absl::Status CollectPorts(const Host&, v1::Snapshot&);

namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;

using Rows = std::set<std::string>;
using Collect = absl::Status (*)(const Host&, v1::Snapshot&);

// What a tool prints; `package` is what to install when it is not there.
std::string Tool(const std::string& command, const char* package) {
  const std::string text =
      "LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin " + command;
  FILE* pipe = popen(text.c_str(), "r");
  std::string output;
  char buffer[4096];
  while (const size_t got = fread(buffer, 1, sizeof(buffer), pipe)) {
    output.append(buffer, got);
  }
  EXPECT_EQ(pclose(pipe), 0) << command << ": install " << package;
  return output;
}

// What a collector says of this machine.
v1::Snapshot Collected(Collect collect) {
  v1::Snapshot snapshot;
  const absl::Status status = collect(Host(), snapshot);
  EXPECT_TRUE(status.ok()) << status;
  return snapshot;
}

// Expects that two looks at the machine are equal. A machine changes while it
// is looked at, so only what differs four times running is a difference.
void ExpectEqual(const std::function<Rows()>& truth,
                 const std::function<Rows()>& collected) {
  Rows expected, actual;
  for (int attempt = 0; attempt < 4; ++attempt) {
    expected = truth();
    actual = collected();
    if (actual == expected && truth() == expected) break;
  }
  EXPECT_EQ(actual, expected);
  EXPECT_FALSE(expected.empty()) << "the tool said nothing";
}

TEST(Truth, PackagesAreThoseOfDpkgQuery) {
  const auto truth = [] {
    Rows rows;
    const std::string text = Tool(
        "dpkg-query -W -f '${db:Status-Status}\\t${Package}\\t${Architecture}"
        "\\t${Version}\\t${source:Package}\\t${source:Version}\\n'",
        "dpkg");
    for (const std::string_view line : Lines(text)) {
      if (line.starts_with("config-files") ||
          line.starts_with("not-installed")) {
        continue;
      }
      rows.emplace(line);
    }
    return rows;
  };
  ExpectEqual(truth, [] {
    Rows rows;
    const v1::Snapshot snapshot = Collected(CollectPackages);
    for (const v1::Package& row : snapshot.packages()) {
      if (row.manager() != "dpkg") continue;
      rows.insert(fmt::format("{}\t{}\t{}\t{}\t{}\t{}", row.status(),
                              row.name(), row.architecture(), row.version(),
                              row.source(), row.source_version()));
    }
    return rows;
  });
}

// Local addresses in the words of ss: "tcp 127.0.0.1%lo:22", a wildcard socket
// of IPv6 that takes IPv4 too as "*".
Rows PortsOfSs() {
  Rows rows;
  const std::string text = Tool("ss -Hltun", "iproute2");
  for (const std::string_view line : Lines(text)) {
    const std::vector<std::string_view> words = Words(line);
    if (words.size() < 5) continue;
    std::string address(words[4]);
    if (address.starts_with("*:")) address.replace(0, 1, "[::]");
    rows.insert(fmt::format("{} {}", words[0], address));
  }
  return rows;
}

Rows PortsCollected() {
  Rows rows;
  const v1::Snapshot snapshot = Collected(CollectPorts);
  for (const v1::Port& row : snapshot.ports()) {
    std::string address = row.address();
    if (address.find(':') != address.npos) address = "[" + address + "]";
    if (!row.interface().empty()) address += "%" + row.interface();
    rows.insert(fmt::format("{} {}:{}", row.protocol(), address, row.port()));
  }
  return rows;
}

// A socket of this test on a free port of the loopback address.
struct Bound {
  Descriptor socket;
  uint16_t port;
};

Bound Bind(int family, int type, bool only_v6 = false) {
  Bound bound{Descriptor(socket(family, type | SOCK_CLOEXEC, 0)), 0};
  sockaddr_storage address = {};
  address.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr =
        htonl(INADDR_LOOPBACK);
  } else {
    const int on = only_v6;
    setsockopt(bound.socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(bound.socket.get(), generic, sizeof(address)), 0)
      << strerror(errno);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(listen(bound.socket.get(), 1), 0);
  }
  socklen_t size = sizeof(address);
  getsockname(bound.socket.get(), generic, &size);
  bound.port = ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
  return bound;
}

TEST(Truth, PortsAreThoseOfSs) {
  const Bound tcp4 = Bind(AF_INET, SOCK_STREAM);
  const Bound udp4 = Bind(AF_INET, SOCK_DGRAM);
  const Bound dual = Bind(AF_INET6, SOCK_STREAM);
  const Bound tcp6 = Bind(AF_INET6, SOCK_STREAM, /*only_v6=*/true);
  ExpectEqual(PortsOfSs, PortsCollected);
  EXPECT_THAT(PortsCollected(),
              IsSupersetOf({fmt::format("tcp 127.0.0.1:{}", tcp4.port),
                            fmt::format("udp 127.0.0.1:{}", udp4.port),
                            fmt::format("tcp [::]:{}", dual.port),
                            fmt::format("tcp [::]:{}", tcp6.port)}));
}

TEST(Truth, PortsKnowTheProgramThatHoldsThem) {
  const Bound bound = Bind(AF_INET, SOCK_STREAM);
  const v1::Snapshot snapshot = Collected(CollectPorts);
  const std::string self = Host().ReadLink("/proc/self/exe").value();
  bool found = false;
  for (const v1::Port& row : snapshot.ports()) {
    if (row.protocol() != "tcp" || row.port() != bound.port) continue;
    found = true;
    EXPECT_EQ(row.program(), "metsuke-tests");
    EXPECT_EQ(row.path(), self);
    EXPECT_EQ(row.package(), "");
  }
  EXPECT_TRUE(found);
}

TEST(Truth, PortsWithoutAProgramHaveAGap) {
  const v1::Snapshot snapshot = Collected(CollectPorts);
  std::set<std::string> subjects;
  for (const v1::Gap& gap : snapshot.gaps()) subjects.insert(gap.subject());
  for (const v1::Port& row : snapshot.ports()) {
    if (!row.program().empty() || !row.interface().empty()) continue;
    const bool v6 = row.address().find(':') != std::string::npos;
    EXPECT_THAT(subjects,
                Contains(fmt::format("{} {}{}{}:{}", row.protocol(),
                                     v6 ? "[" : "", row.address(),
                                     v6 ? "]" : "", row.port())));
  }
}

TEST(Truth, InterfacesAreThoseOfIp) {
  using nlohmann::json;
  const auto truth = [] {
    Rows rows;
    for (const json& link :
         json::parse(Tool("ip -j addr", "iproute2"), nullptr, false)) {
      const std::string name = link.value("ifname", "");
      const auto& flags = link["flags"];
      const bool up = std::count(flags.begin(), flags.end(), "UP") > 0;
      const bool hardware = link.value("link_type", "") == "ether";
      const std::string mac = hardware ? link.value("address", "") : "";
      int addresses = 0;
      for (const json& address : link["addr_info"]) {
        ++addresses;
        rows.insert(fmt::format(
            "{} {} {}/{} {} {} {}", name, up, address.value("local", ""),
            address.value("prefixlen", 0),
            address.value("family", "") == "inet" ? "ipv4" : "ipv6",
            address.value("scope", ""), mac));
      }
      if (addresses == 0) {
        rows.insert(fmt::format("{} {}  none none {}", name, up, mac));
      }
    }
    return rows;
  };
  ExpectEqual(truth, [] {
    Rows rows;
    const v1::Snapshot snapshot = Collected(CollectInterfaces);
    for (const v1::Interface& row : snapshot.interfaces()) {
      rows.insert(fmt::format("{} {} {} {} {} {}", row.name(), row.up(),
                              row.address(), row.family(), row.scope(),
                              row.mac()));
    }
    return rows;
  });
}

// Lines "Inst NAME [INSTALLED] (CANDIDATE ORIGIN, … [ARCHITECTURE]) …" of what
// apt-get would do; a package that was not installed has no "[INSTALLED]".
std::map<std::string, std::string> InstLines(const std::string& command) {
  std::map<std::string, std::string> rows;
  const std::string text = Tool(command, "apt");
  for (const std::string_view line : Lines(text)) {
    const std::vector<std::string_view> words = Words(line);
    if (words.size() < 4 || words[0] != "Inst" || words[2][0] != '[') continue;
    const std::string_view installed = words[2].substr(1, words[2].size() - 2);
    const size_t end = line.find(')');
    rows[std::string(words[1].substr(0, words[1].find(':')))] =
        fmt::format("{} -> {} {}", installed, words[3].substr(1),
                    line.substr(0, end).find("-Security:") != line.npos
                        ? "security"
                        : "");
  }
  return rows;
}

// apt-get leaves out what is on hold, what it would have to install or remove
// other packages for ("kept back"; dist-upgrade has those), and what Ubuntu
// offers to a part of the machines first; metsuke-apt lists them all. So
// upgrade <= metsuke-apt, and dist-upgrade without its new packages too, and
// each of ours that dist-upgrade lacks must be one that it names as kept back.
TEST(Truth, PackageUpdatesAreThoseOfAptGet) {
  const absl::StatusOr<std::string> report = Host().Run(
      {METSUKE_BINARY "/bin/metsuke-apt"},
      {.deadline = kLongestRun, .cap = 16 << 20});
  ASSERT_TRUE(report.ok()) << report.status();
  v1::Snapshot snapshot;
  const absl::Status status = AddAptReport(*report, snapshot);
  if (absl::IsFailedPrecondition(status)) {
    // Without lists apt-get has no update to show either.
    EXPECT_TRUE(InstLines("apt-get -s dist-upgrade").empty());
    return;
  }
  ASSERT_TRUE(status.ok()) << status;
  std::map<std::string, std::string> ours, held;
  for (const v1::PackageUpdate& row : snapshot.package_updates()) {
    (row.held() ? held : ours)[row.name()] =
        fmt::format("{} -> {} {}", row.installed(), row.candidate(),
                    row.origin().find("-Security:") != std::string::npos
                        ? "security"
                        : "");
  }
  const auto upgrade = InstLines("apt-get -s upgrade");
  for (const auto& [name, versions] : upgrade) {
    EXPECT_EQ(ours[name], versions) << name;
  }
  const auto all = InstLines("apt-get -s dist-upgrade");
  for (const auto& [name, versions] : all) {
    EXPECT_EQ(ours[name], versions) << name;
  }
  const std::string text = Tool("apt-get -s dist-upgrade", "apt");
  const size_t kept = std::min(text.find("kept back:"), text.size());
  const std::string kept_back =
      text.substr(kept, text.find("\n", text.find("\nThe following", kept)));
  for (const auto& [name, versions] : ours) {
    if (all.contains(name)) continue;
    EXPECT_THAT(Words(kept_back), Contains(std::string_view(name)));
  }
}

}  // namespace
}  // namespace metsuke
