// Fills the web_access_logs table from the configuration of nginx and of Apache
// httpd, as their packages install them.

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <optional>

#include "collectors/apache_reader.h"
#include "collectors/collector.h"
#include "collectors/gaps.h"
#include "collectors/nginx_reader.h"
#include "collectors/shell_variables.h"
#include "collectors/words.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {

absl::Status CollectWebAccessLogs(const Host& host, v1::Snapshot& snapshot);

namespace {

constexpr char kTable[] = "web_access_logs";
constexpr char kNginx[] = "/usr/sbin/nginx";

// Of one server.
constexpr size_t kMaxFiles = 2000;
constexpr size_t kMaxLooks = 20'000;  // at what wildcards match
constexpr size_t kMaxBytes = 8 << 20;
constexpr int kMaxFolders = 16;  // in each other

// Debian has modules built in that others load.
struct Httpd {
  const char* program;
  const char* root;
  const char* config;
  const char* variables;  // of its environment; may be null
  const char* modules;    // built in
};
constexpr Httpd kHttpds[] = {
    {"/usr/sbin/apache2", "/etc/apache2", "/etc/apache2/apache2.conf",
     "/etc/apache2/envvars",
     "core.c core_module mod_so.c so_module http_core.c http_module "
     "mod_watchdog.c watchdog_module mod_log_config.c log_config_module "
     "mod_logio.c logio_module mod_version.c version_module mod_unixd.c "
     "unixd_module"},
    {"/usr/sbin/httpd", "/etc/httpd", "/etc/httpd/conf/httpd.conf", nullptr,
     "core.c core_module mod_so.c so_module http_core.c http_module"},
};

// Where builds by hand put themselves, with a configuration beside them.
constexpr const char* kOthers[] = {
    "/usr/local/nginx/sbin/nginx", "/usr/local/sbin/nginx",
    "/usr/local/openresty/nginx/sbin/nginx", "/usr/local/apache2/bin/httpd"};

bool IsPattern(std::string_view text) {
  return text.find_first_of("*?[") != text.npos;
}

// Reads what include directives name, within bounds.
class Includes {
 public:
  // Whether a folder stands for all files in and below it, as for httpd.
  Includes(const Host& host, Gaps& gaps, bool folders)
      : host_(host), gaps_(gaps), folders_(folders) {}

  std::vector<WebFile> Read(const std::string& pattern, bool required) {
    std::vector<WebFile> files;
    for (const std::string& path : Matches(pattern, required))
      Add(path, 0, files);
    return files;
  }

 private:
  // The paths that glob(7) finds, in their order.
  std::vector<std::string> Matches(const std::string& pattern, bool required) {
    if (!IsPattern(pattern)) {
      const auto there = host_.Exists(pattern);
      if (!required && there.ok() && !*there) return {};
      return {pattern};
    }
    std::vector<std::string> paths{""};
    for (const std::string_view part : Pieces(pattern, '/')) {
      if (part.empty()) continue;
      std::vector<std::string> next;
      for (const std::string& folder : paths)
        Step(folder, std::string(part), next);
      paths = std::move(next);
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }

  void Step(const std::string& folder, const std::string& part,
            std::vector<std::string>& next) {
    const std::string path = folder + "/" + part;
    if (!IsPattern(part)) {
      ++looks_;
      if (const auto there = host_.Exists(path); !there.ok() || *there)
        next.push_back(path);
      return;
    }
    if (++looks_ > kMaxLooks)
      return gaps_.Add(path, "more wildcards than are followed");
    // Of a file that stands where a folder should nothing matches.
    const auto info = host_.Stat(folder.empty() ? "/" : folder);
    if (info.ok() && info->kind != FileInfo::Kind::kDirectory) return;
    const auto names = host_.List(folder.empty() ? "/" : folder);
    if (!names.ok() && !absl::IsNotFound(names.status()))
      gaps_.Add(folder, Message(names.status()));
    if (!names.ok()) return;
    for (const std::string& name : *names) {
      if (fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
      if (next.size() == kMaxFiles)
        return gaps_.Add(path, "more files than are read");
      next.push_back(folder + "/" + name);
    }
  }

  void Add(const std::string& path, int depth, std::vector<WebFile>& files) {
    const auto info = host_.Stat(path);
    if (folders_ && info.ok() && info->kind == FileInfo::Kind::kDirectory)
      return AddFolder(path, depth, files);
    if (files_ == kMaxFiles || bytes_ > kMaxBytes)
      return gaps_.Add(path, "more files than are read");
    ++files_;
    auto text = host_.Read(path);
    if (!text.ok()) return gaps_.Add(path, Message(text.status()));
    bytes_ += text->size();
    files.push_back({path, *std::move(text)});
  }

  void AddFolder(const std::string& path, int depth,
                 std::vector<WebFile>& files) {
    const auto names = host_.List(path);
    if (!names.ok() || depth == kMaxFolders)
      return gaps_.Add(
          path, names.ok() ? "folders too deep" : Message(names.status()));
    for (const std::string& name : *names) {
      if (files_ == kMaxFiles)
        return gaps_.Add(path, "more files than are read");
      Add(path + "/" + name, depth + 1, files);
    }
  }

  const Host& host_;
  Gaps& gaps_;
  const bool folders_;
  size_t files_ = 0, bytes_ = 0, looks_ = 0;
};

// The main file of a server that is installed; a gap when it cannot be read.
std::optional<WebFile> MainFile(const Host& host, const std::string& path,
                                Gaps& gaps) {
  auto text = host.Read(path);
  if (text.ok()) return WebFile{path, *std::move(text)};
  gaps.Add(path, Message(text.status()));
  return {};
}

// What `nginx -V` would print of the arguments of configure stands as it is in
// the program. Without it the build is taken for a distribution's.
NginxReader::Build BuildOf(const Host& host) {
  constexpr std::string_view kStart = "configure arguments: ";
  constexpr size_t kMost = 1 << 14;
  constexpr int64_t kPiece = 1 << 20, kEnd = 64 << 20;
  NginxReader::Build build;
  for (int64_t offset = 0; offset < kEnd; offset += kPiece) {
    const auto bytes = host.ReadBytes(kNginx, offset, kPiece + kMost);
    if (!bytes.ok() || bytes->empty()) break;
    const size_t start = bytes->find(kStart);
    if (start == bytes->npos) continue;
    const std::string arguments =
        ToUtf8(bytes->substr(start + kStart.size(), kMost).c_str());
    for (const std::string_view word : Words(arguments))
      for (const auto& [option, value] :
           {std::pair("--prefix=", &build.prefix),
            std::pair("--conf-path=", &build.config),
            std::pair("--http-log-path=", &build.log)})
        if (word.starts_with(option))
          *value = word.substr(std::string_view(option).size());
    break;
  }
  for (std::string* path : {&build.config, &build.log})
    if (!path->starts_with('/')) *path = build.prefix + "/" + *path;
  return build;
}

bool ReadNginx(const Host& host, Gaps& gaps, WebTable& table) {
  if (absl::IsNotFound(host.Stat(kNginx).status())) return false;
  const NginxReader::Build build = BuildOf(host);
  const auto main = MainFile(host, build.config, gaps);
  if (!main) return true;
  Includes includes(host, gaps, false);
  NginxReader reader(build, [&](const std::string& pattern, bool required) {
    return includes.Read(pattern, required);
  });
  reader.Read(*main);
  reader.AddTo(table);
  for (const auto& [where, why] : reader.troubles().all()) gaps.Add(where, why);
  return true;
}

bool ReadHttpd(const Host& host, const Httpd& httpd, Gaps& gaps,
               WebTable& table) {
  if (absl::IsNotFound(host.Stat(httpd.program).status())) return false;
  const auto main = MainFile(host, httpd.config, gaps);
  if (!main) return true;
  ApacheReader::Start start{httpd.root, {}, {}};
  for (const std::string_view module : Words(httpd.modules))
    start.modules.emplace(module);
  // Without it each use of its variables is told.
  if (httpd.variables)
    if (const auto text = host.Read(httpd.variables); text.ok())
      start.variables = ShellVariables(*text);
  Includes includes(host, gaps, true);
  ApacheReader reader(std::move(start),
                      [&](const std::string& pattern, bool required) {
                        return includes.Read(pattern, required);
                      });
  reader.Read(*main);
  reader.AddTo(table);
  for (const auto& [where, why] : reader.troubles().all()) gaps.Add(where, why);
  return true;
}

}  // namespace

absl::Status CollectWebAccessLogs(const Host& host, v1::Snapshot& snapshot) {
  Gaps gaps(kTable, snapshot);
  WebTable table;
  bool any = ReadNginx(host, gaps, table);
  for (const Httpd& httpd : kHttpds)
    any = ReadHttpd(host, httpd, gaps, table) || any;
  for (const char* program : kOthers)
    if (!absl::IsNotFound(host.Stat(program).status())) {
      any = true;
      gaps.Add(program,
               "the configuration of a server that was built by hand "
               "is not read");
    }
  if (!any) return Absent("neither nginx nor Apache httpd is installed");
  if (table.full()) gaps.Add("sites", "there are more than a table may hold");
  for (const v1::WebAccessLog& row : table.rows())
    *snapshot.add_web_access_logs() = row;
  return absl::OkStatus();
}

}  // namespace metsuke
