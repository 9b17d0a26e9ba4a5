#include "collectors/packages.h"

#include <fmt/format.h>

#include <algorithm>

#include "collectors/collector.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kStatus[] = "/var/lib/dpkg/status";
constexpr size_t kCap = 64 << 20;

// Takes the first line, without its end, off `text`.
std::string_view TakeLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// Takes what stands before the first `delimiter` off `text`.
std::string_view TakeField(std::string_view& text, char delimiter) {
  const size_t end = std::min(text.find(delimiter), text.size());
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return field;
}

// Whether nothing that runs is left of a package in this state (dpkg(1)).
bool IsGone(std::string_view state) {
  return state == "not-installed" || state == "config-files";
}

// One paragraph of the status file.
struct Paragraph {
  std::string_view name, architecture, version, source, status;
};

// dpkg writes each name in this spelling; a line that begins with a blank goes
// on with the field above and is never one of these.
void ReadField(std::string_view line, Paragraph& paragraph) {
  if (line.front() == ' ' || line.front() == '\t') return;
  const std::string_view name = TakeField(line, ':');
  const std::string_view value = Strip(line);
  if (name == "Package") paragraph.name = value;
  if (name == "Architecture") paragraph.architecture = value;
  if (name == "Version") paragraph.version = value;
  if (name == "Source") paragraph.source = value;
  if (name == "Status") paragraph.status = value;
}

// `source` is "NAME" or "NAME (VERSION)"; it is missing when name and version
// are those of the package (deb-control(5)).
void SetSource(std::string_view source, v1::Package& package) {
  const std::string_view name = Strip(TakeField(source, '('));
  const std::string_view version = Strip(TakeField(source, ')'));
  package.set_source(name.empty() ? package.name() : std::string(name));
  package.set_source_version(version.empty() ? package.version()
                                             : std::string(version));
}

// False when it is no package.
bool AddParagraph(const Paragraph& paragraph, DpkgPackages& packages) {
  // "WANT FLAG STATE", such as "hold reinstreq half-installed".
  std::string_view words = paragraph.status;
  TakeField(words, ' ');
  TakeField(words, ' ');
  const std::string_view state = Strip(words);
  if (paragraph.name.empty() || state.empty()) return false;
  const std::pair key(std::string(paragraph.name),
                      std::string(paragraph.architecture));
  if (IsGone(state)) {
    packages.erase(key);
    return true;
  }
  v1::Package package;
  package.set_name(key.first);
  package.set_architecture(key.second);
  package.set_version(std::string(paragraph.version));
  package.set_manager("dpkg");
  package.set_status(std::string(state));
  SetSource(paragraph.source, package);
  packages[key] = std::move(package);
  return true;
}

// "NAME-VERSION-RELEASE.src.rpm"; neither version nor release has a hyphen
// (rpm-spec(5)). It says nothing of an epoch.
void SetSourceRpm(std::string_view file, v1::Package& package) {
  for (const std::string_view suffix : {".nosrc.rpm", ".src.rpm"}) {
    if (file.ends_with(suffix)) file.remove_suffix(suffix.size());
  }
  const size_t release = file.rfind('-');
  const size_t version = release == std::string_view::npos || release == 0
                             ? std::string_view::npos
                             : file.rfind('-', release - 1);
  if (version == std::string_view::npos) {
    package.set_source(package.name());
    package.set_source_version(package.version());
    return;
  }
  package.set_source(std::string(file.substr(0, version)));
  package.set_source_version(std::string(file.substr(version + 1)));
}

void AddBroken(int broken, std::string_view path, v1::Snapshot& snapshot) {
  if (broken == 0) return;
  AddGap(snapshot, "packages", path,
         fmt::format("{} paragraphs name no package or no state", broken));
}

// While dpkg works, or when it was interrupted, the newest state stands in
// numbered files beside the status file, one paragraph each.
absl::Status ReadJournal(const Host& host, DpkgPackages& packages,
                         v1::Snapshot& snapshot) {
  constexpr char kFolder[] = "/var/lib/dpkg/updates";
  absl::StatusOr<std::vector<std::string>> names = host.List(kFolder);
  if (absl::IsNotFound(names.status())) return absl::OkStatus();
  if (!names.ok()) return Annotate(names.status(), kFolder);
  for (const std::string& name : *names) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string path = fmt::format("{}/{}", kFolder, name);
    const absl::StatusOr<std::string> text = host.Read(path);
    // dpkg removes them when it has written the status file anew.
    if (absl::IsNotFound(text.status())) continue;
    if (!text.ok()) return Annotate(text.status(), path);
    AddBroken(ParseDpkgStatus(*text, packages), path, snapshot);
  }
  return absl::OkStatus();
}

absl::Status AddDpkg(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const std::string text, host.Read(kStatus, kCap));
  DpkgPackages packages;
  AddBroken(ParseDpkgStatus(text, packages), kStatus, snapshot);
  RETURN_IF_ERROR(ReadJournal(host, packages, snapshot));
  for (auto& [key, package] : packages) {
    *snapshot.add_packages() = std::move(package);
  }
  return absl::OkStatus();
}

absl::Status AddRpm(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(std::vector<v1::Package> packages, ListRpms(host));
  for (v1::Package& package : packages) {
    *snapshot.add_packages() = std::move(package);
  }
  return absl::OkStatus();
}

}  // namespace

int ParseDpkgStatus(std::string_view text, DpkgPackages& packages) {
  int broken = 0;
  Paragraph paragraph;
  bool any = false;
  while (true) {
    const bool end = text.empty();
    const std::string_view line = TakeLine(text);
    if (!Strip(line).empty()) {
      ReadField(line, paragraph);
      any = true;
      continue;
    }
    if (any && !AddParagraph(paragraph, packages)) ++broken;
    if (end) return broken;
    paragraph = {};
    any = false;
  }
}

absl::StatusOr<std::vector<v1::Package>> ParseRpmList(std::string_view text) {
  std::vector<v1::Package> packages;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    if (line.empty()) continue;
    if (std::count(line.begin(), line.end(), '\t') != 3) {
      return absl::InvalidArgumentError("rpm printed a line of another form");
    }
    v1::Package package;
    package.set_name(std::string(TakeField(line, '\t')));
    const std::string_view architecture = TakeField(line, '\t');
    // Keys that rpm was told to trust; their version is a key id.
    if (package.name() == "gpg-pubkey" && architecture == "(none)") continue;
    package.set_architecture(std::string(architecture));
    package.set_version(std::string(TakeField(line, '\t')));
    SetSourceRpm(line, package);
    package.set_manager("rpm");
    package.set_status("installed");
    packages.push_back(std::move(package));
  }
  return packages;
}

std::vector<std::string> RpmDatabase(const Host& host) {
  // SQLite since rpm 4.16, ndb on SUSE, Berkeley DB before; /usr/lib/sysimage
  // where the distribution keeps /var for data.
  std::vector<std::string> files;
  for (const char* folder : {"/var/lib/rpm", "/usr/lib/sysimage/rpm"}) {
    for (const char* name :
         {"rpmdb.sqlite", "rpmdb.sqlite-wal", "Packages.db", "Packages"}) {
      std::string path = fmt::format("{}/{}", folder, name);
      if (host.Stat(path).ok()) files.push_back(std::move(path));
    }
  }
  return files;
}

absl::StatusOr<std::vector<v1::Package>> ListRpms(const Host& host) {
  RunOptions options;
  options.inputs = RpmDatabase(host);
  if (options.inputs.empty()) return absl::NotFoundError("no rpm database");
  options.deadline = kLongestRun;
  options.cap = 16 << 20;
  ASSIGN_OR_RETURN(
      const std::string text,
      host.Run({"/usr/bin/rpm", "-qa", "--qf", kRpmFormat}, options));
  return ParseRpmList(text);
}

absl::Status CollectPackages(const Host& host, v1::Snapshot& snapshot) {
  const absl::Status dpkg = AddDpkg(host, snapshot);
  if (!dpkg.ok() && !absl::IsNotFound(dpkg)) return Annotate(dpkg, kStatus);
  const std::vector<std::string> database = RpmDatabase(host);
  if (database.empty()) {
    if (dpkg.ok()) return dpkg;
    return absl::UnavailableError("neither dpkg nor rpm has a database here");
  }
  const absl::Status rpm = AddRpm(host, snapshot);
  if (rpm.ok()) return rpm;
  if (!dpkg.ok()) return Annotate(rpm, "rpm");
  AddGap(snapshot, "packages", database.front(), Message(rpm));
  return absl::OkStatus();
}

}  // namespace metsuke
