#include "collectors/host_facts.h"

#include <fmt/format.h>
#include <openssl/hmac.h>

#include <vector>

#include "collectors/collector.h"
#include "collectors/kernels.h"
#include "collectors/package_lists.h"
#include "collectors/platform.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// Value of an assignment as a shell would take it: quoted with either quote,
// and in double quotes or bare a backslash takes the next character as it is.
std::string Unquote(std::string_view text) {
  std::string value;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      value += text[++i];
    } else {
      value += c;
    }
  }
  return value;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// A read that may find nothing.
std::string ReadOrNone(const Host& host, std::string_view path) {
  return host.Read(path).value_or("");
}

std::string Or(const std::string& value, const char* otherwise) {
  return value.empty() ? otherwise : value;
}

void SetSystem(const Host& host, v1::HostFact& fact) {
  std::string text = ReadOrNone(host, "/etc/os-release");
  if (text.empty()) text = ReadOrNone(host, "/usr/lib/os-release");
  std::map<std::string, std::string> values = ParseOsRelease(text);
  // What os-release(5) says to take in place of what is missing.
  fact.set_os_id(Or(values["ID"], "linux"));
  fact.set_os_version(values["VERSION_ID"]);
  fact.set_os_name(Or(values["PRETTY_NAME"], "Linux"));
}

// The link says the name; only where it is a copy of the zone's file, another
// file must.
std::string TimeZone(const Host& host) {
  constexpr std::string_view kFolder = "/zoneinfo/";
  const std::string link = host.ReadLink("/etc/localtime").value_or("");
  const size_t at = link.find(kFolder);
  if (at != link.npos) return link.substr(at + kFolder.size());
  const std::string text = ReadOrNone(host, "/etc/timezone");
  const std::string_view name =
      Strip(std::string_view(text).substr(0, text.find('\n')));
  return name.empty() ? "UTC" : std::string(name);
}

// Of an image only what lies on its disk can be known.
absl::Status SetKernel(const Host& host, v1::HostFact& fact,
                       v1::Snapshot& snapshot) {
  if (!host.Running()) {
    const std::string name = ReadOrNone(host, "/etc/hostname");
    fact.set_hostname(std::string(Strip(name.substr(0, name.find('\n')))));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const KernelFacts kernel, host.Kernel());
  fact.set_hostname(kernel.hostname);
  fact.set_kernel_running(kernel.release);
  fact.set_architecture(kernel.machine);
  fact.set_clock_synchronized(kernel.clock_synchronized.value_or(false));
  if (!kernel.clock_synchronized.ok())
    AddGap(snapshot, "host", "clock",
           Message(kernel.clock_synchronized.status()),
           {"clock_synchronized"});
  fact.set_booted(BootedMinute(ReadOrNone(host, "/proc/stat")));
  fact.set_init(std::string(Strip(ReadOrNone(host, "/proc/1/comm"))));
  return absl::OkStatus();
}

bool RebootRequired(const Host& host, const v1::HostFact& fact) {
  if (host.Stat("/run/reboot-required").ok()) return true;
  return !fact.kernel_running().empty() && !fact.kernel_installed().empty() &&
         KernelIsOlder(KernelVersion(fact.kernel_running()),
                       KernelVersion(fact.kernel_installed()));
}

}  // namespace

const unsigned char kProductId[16] = {0x4b, 0x1f, 0xd2, 0x6a, 0x90, 0x3e,
                                      0x4c, 0x57, 0xa8, 0x12, 0x6d, 0xe5,
                                      0x73, 0x08, 0xbc, 0xf1};

std::map<std::string, std::string> ParseOsRelease(std::string_view text) {
  std::map<std::string, std::string> values;
  for (std::string_view line : Lines(text)) {
    line = Strip(line);
    const size_t equals = line.find('=');
    if (line.starts_with('#') || equals == line.npos) continue;
    values[std::string(line.substr(0, equals))] =
        Unquote(line.substr(equals + 1));
  }
  return values;
}

std::string ProductMachineId(std::string_view machine_id) {
  const std::string_view text = Strip(machine_id);
  if (text.size() != 32) return "";
  unsigned char key[16];
  for (size_t i = 0; i < sizeof(key); ++i) {
    const int high = HexValue(text[2 * i]), low = HexValue(text[2 * i + 1]);
    if (high < 0 || low < 0) return "";
    key[i] = static_cast<unsigned char>(high * 16 + low);
  }
  unsigned char hash[EVP_MAX_MD_SIZE];
  if (HMAC(EVP_sha256(), key, sizeof(key), kProductId, sizeof(kProductId),
           hash, nullptr) == nullptr) {
    return "";
  }
  // Marked as a random UUID (RFC 4122, variant 1, version 4).
  hash[6] = (hash[6] & 0x0F) | 0x40;
  hash[8] = (hash[8] & 0x3F) | 0x80;
  std::string id;
  for (int i = 0; i < 16; ++i) id += fmt::format("{:02x}", hash[i]);
  return id;
}

int64_t BootedMinute(std::string_view stat) {
  for (const std::string_view line : Lines(stat)) {
    const std::vector<std::string_view> words = Words(line);
    if (words.size() != 2 || words[0] != "btime") continue;
    const int64_t seconds = Number(words[1]).value_or(0);
    return seconds - seconds % 60;
  }
  return 0;
}

absl::Status CollectHost(const Host& host, v1::Snapshot& snapshot) {
  v1::HostFact fact;
  // What is there and cannot be read must not pass for what is not there.
  for (const char* path : {"/etc/os-release", "/etc/machine-id",
                           "/etc/timezone", "/proc/stat"})
    if (const auto text = host.Read(path);
        !text.ok() && !absl::IsNotFound(text.status()))
      AddGap(snapshot, "host", path, Message(text.status()));
  SetSystem(host, fact);
  RETURN_IF_ERROR(SetKernel(host, fact, snapshot));
  fact.set_machine(ProductMachineId(ReadOrNone(host, "/etc/machine-id")));
  Platform platform = ReadPlatform(host);
  fact.set_platform(std::move(platform.platform));
  fact.set_virtualization(std::move(platform.virtualization));
  fact.set_time_zone(TimeZone(host));
  // A container runs the kernel of another, whatever lies on its disk.
  if (fact.platform() != "container") {
    ASSIGN_OR_RETURN(const std::string kernel, NewestKernel(host));
    fact.set_kernel_installed(kernel);
  }
  fact.set_package_lists_fetched(PackageListsFetched(host));
  fact.set_reboot_required(RebootRequired(host, fact));
  *snapshot.add_host() = std::move(fact);
  return absl::OkStatus();
}

}  // namespace metsuke
