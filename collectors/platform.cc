#include "collectors/platform.h"

#include <vector>

#include "collectors/words.h"

namespace metsuke {
namespace {

// The first line of a file without blanks around it; empty without the file.
std::string FirstLine(const Host& host, std::string_view path) {
  const std::string text = host.Read(path, 1 << 16).value_or("");
  const std::vector<std::string_view> lines = Lines(text);
  return lines.empty() ? "" : std::string(Strip(lines.front()));
}

// The kind of container, empty outside of one. systemd writes there what its
// container manager told it; the managers without systemd leave their mark.
// The environment of process 1 says it too, and is not read: it is memory of
// the process (CVE-2018-1120).
std::string Container(const Host& host) {
  std::string name = FirstLine(host, "/run/systemd/container");
  if (!name.empty()) return name;
  name = FirstLine(host, "/run/host/container-manager");
  if (!name.empty()) return name;
  if (host.Stat("/run/.containerenv").ok()) return "podman";
  if (host.Stat("/.dockerenv").ok()) return "docker";
  // The host of OpenVZ has both.
  if (host.Stat("/proc/vz").ok() && !host.Stat("/proc/bc").ok()) {
    return "openvz";
  }
  return "";
}

// Hypervisors give their guests a clock, and the kernel lists it.
std::string_view HypervisorOfClocks(std::string_view clocks) {
  for (const std::string_view clock : Words(clocks)) {
    if (clock == "kvm-clock") return "kvm";
    if (clock == "xen") return "xen";
    if (clock.starts_with("hyperv_clocksource")) return "microsoft";
  }
  return "";
}

// Whether the processor says that it is a guest's; a flag on x86 only.
bool HasHypervisorFlag(const Host& host) {
  const std::string text = host.Read("/proc/cpuinfo", 16 << 20).value_or("");
  for (const std::string_view line : Lines(text)) {
    if (!line.starts_with("flags")) continue;
    for (const std::string_view flag : Words(line)) {
      if (flag == "hypervisor") return true;
    }
    return false;  // all processors have the same
  }
  return false;
}

std::string Hypervisor(const Host& host) {
  const std::string dmi = "/sys/class/dmi/id/";
  std::string name(HypervisorOfDmi(FirstLine(host, dmi + "sys_vendor"),
                                   FirstLine(host, dmi + "product_name")));
  const std::string type = FirstLine(host, "/sys/hypervisor/type");
  if (name.empty() && !type.empty()) name = type;
  if (name.empty() && !HasHypervisorFlag(host)) return "";
  // QEMU writes the same tables when it emulates and when KVM runs the guest.
  if (name.empty() || name == "qemu") {
    const std::string_view by_clock = HypervisorOfClocks(FirstLine(
        host,
        "/sys/devices/system/clocksource/clocksource0/available_clocksource"));
    if (!by_clock.empty()) return std::string(by_clock);
  }
  return name.empty() ? "other" : name;
}

}  // namespace

std::string_view HypervisorOfDmi(std::string_view vendor,
                                 std::string_view product) {
  struct Known {
    std::string_view vendor, product, name;
  };
  // What the hypervisors write there by default. Two makers of machines make a
  // hypervisor too, so with them the product decides.
  static constexpr Known kKnown[] = {
      {"", "KVM", "kvm"},
      {"", "OpenStack", "kvm"},
      {"", "KubeVirt", "kvm"},
      {"Amazon EC2", "", "amazon"},
      {"Google", "Google Compute Engine", "google"},
      {"QEMU", "", "qemu"},
      {"VMware", "", "vmware"},
      {"innotek GmbH", "", "oracle"},
      {"Oracle Corporation", "VirtualBox", "oracle"},
      {"Xen", "", "xen"},
      {"Bochs", "", "bochs"},
      {"Parallels", "", "parallels"},
      {"BHYVE", "", "bhyve"},
      {"Microsoft Corporation", "Virtual Machine", "microsoft"},
      {"Apple Inc.", "Apple Virtualization", "apple"},
  };
  // Instances that are a whole machine say so in their type, "m5.metal".
  if (product.find(".metal") != product.npos) return "";
  for (const Known& known : kKnown) {
    if (vendor.starts_with(known.vendor) &&
        product.starts_with(known.product)) {
      return known.name;
    }
  }
  return "";
}

Platform ReadPlatform(const Host& host) {
  if (std::string name = Container(host); !name.empty()) {
    return {"container", name};
  }
  if (std::string name = Hypervisor(host); !name.empty()) return {"vm", name};
  return {"machine", "none"};
}

}  // namespace metsuke
