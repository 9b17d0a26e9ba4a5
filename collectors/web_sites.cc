#include "collectors/web_sites.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "collectors/words.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

constexpr size_t kMaxRows = 4000;
constexpr size_t kMaxBytes = 8 << 20;
constexpr size_t kMaxFormat = 4096;
constexpr size_t kMaxUnlogged = 20;
constexpr size_t kMaxTroubles = 200;

void Sort(std::vector<std::string>& texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

const char* Word(Share share) {
  return share == Share::kAll ? "all" : share == Share::kSome ? "some" : "none";
}

bool IsLoopback(const std::string& address) {
  for (const char* start : {"127.", "[::1]:", "localhost:", "unix:"})
    if (address.starts_with(start)) return true;
  return false;
}

// Logs of the same requests.
using Logs = std::vector<const WebLog*>;

Share Most(const Logs& logs) {
  Share most = Share::kNone;
  for (const WebLog* log : logs) most = std::max(most, log->share);
  return most;
}

// What none of `logs` has of a request that is recorded: of those that get all
// requests any is enough; of those that get some nobody knows which it is.
std::set<std::string> Lacking(const Logs& logs) {
  const Share most = Most(logs);
  std::map<std::string, size_t> without;
  size_t count = 0;
  for (const WebLog* log : logs) {
    if (most == Share::kNone || log->share != most) continue;
    ++count;
    for (const std::string& part : log->format.missing) ++without[part];
  }
  std::set<std::string> lacking;
  for (const auto& [part, times] : without)
    if (most == Share::kSome || times == count) lacking.insert(part);
  return lacking;
}

// The one of `logs` that tells most of the requests, the first of several.
const WebLog* Best(const Logs& logs) {
  return *std::min_element(logs.begin(), logs.end(), [](auto* a, auto* b) {
    return std::make_tuple(b->share, a->format.missing.size()) <
           std::make_tuple(a->share, b->format.missing.size());
  });
}

// What of a site comes into one log, from all its scopes.
struct InLog {
  const WebLog* shown = nullptr;  // of several formats the poorest
  size_t scopes = 0;
  Share most = Share::kNone, least = Share::kAll;
  std::set<std::string> missing;

  void Add(const Logs& logs) {
    ++scopes;
    most = std::max(most, Most(logs));
    least = std::min(least, Most(logs));
    missing.merge(Lacking(logs));
    const WebLog* best = Best(logs);
    if (!shown || best->format.missing.size() > shown->format.missing.size())
      shown = best;
  }
  Share Of(size_t all_scopes) const {
    if (most == Share::kNone) return Share::kNone;
    return scopes == all_scopes && least == Share::kAll ? Share::kAll
                                                        : Share::kSome;
  }
};

// Where it is said that requests of a scope go without a record.
void AddUnlogged(const WebScope& scope, std::vector<std::string>& unlogged) {
  const auto whole = [](const WebLog& log) { return log.share == Share::kAll; };
  if (std::any_of(scope.logs.begin(), scope.logs.end(), whole)) return;
  if (scope.logs.empty()) unlogged.push_back(scope.source);
  for (const WebLog& log : scope.logs) unlogged.push_back(log.source);
}

}  // namespace

void WebTroubles::Tell(const std::string& where, const std::string& why) {
  if (all_.size() < kMaxTroubles)
    all_.emplace(where, why);
  else
    all_.emplace("more", "there is more that was not understood");
}

std::string WebAddress(std::string_view text, std::string_view port) {
  std::string address(text);
  if (address.starts_with("unix:")) return address;
  const bool number =
      !text.empty() && text.find_first_not_of("0123456789-") == text.npos;
  if (number) return "*:" + address;
  const size_t host_end = text.starts_with('[') ? text.find(']') : 0;
  if (host_end == text.npos || text.find(':', host_end) == text.npos)
    address += ":" + std::string(port);
  for (const std::string_view any : {"0.0.0.0:", "_default_:"})
    if (address.starts_with(any)) return "*" + address.substr(any.size() - 1);
  return address;
}

std::string WebCut(std::string_view format) {
  return std::string(Utf8Prefix(format, kMaxFormat));
}

std::vector<std::string> WebMissing(const std::set<std::string>& found) {
  std::vector<std::string> missing;
  for (const char* part : {"client", "request", "status", "time", "user"})
    if (!found.contains(part)) missing.push_back(part);
  return missing;
}

std::string WebTable::Unique(const WebSite& site) {
  std::string name =
      fmt::format("{}{}{}", site.name,
                  site.name.empty() || site.addresses.empty() ? "" : " ",
                  fmt::join(site.addresses, " "));
  const int nth = ++called_[fmt::format("{} {}", site.server, name)];
  if (nth > 1) name += fmt::format(" #{}", nth);
  return name;
}

void WebTable::Add(WebSite site) {
  if (full_) return;
  Sort(site.names);
  Sort(site.addresses);
  v1::WebAccessLog row;
  row.set_server(site.server);
  row.set_site(Unique(site));
  row.mutable_names()->Assign(site.names.begin(), site.names.end());
  row.set_loopback(
      !site.addresses.empty() &&
      std::all_of(site.addresses.begin(), site.addresses.end(), IsLoopback));
  std::map<std::string, InLog> paths;
  std::vector<std::string> unlogged;
  std::set<std::string> lacking;
  for (const WebScope& scope : site.scopes) {
    Logs all;
    std::map<std::string, Logs> by_path;
    for (const WebLog& log : scope.logs) {
      all.push_back(&log);
      by_path[log.path].push_back(&log);
    }
    for (const auto& [path, logs] : by_path) paths[path].Add(logs);
    AddUnlogged(scope, unlogged);
    lacking.merge(Lacking(all));
  }
  Sort(unlogged);
  if (unlogged.size() > kMaxUnlogged) unlogged.resize(kMaxUnlogged);
  row.mutable_unlogged()->Assign(unlogged.begin(), unlogged.end());
  row.mutable_lacking()->Assign(lacking.begin(), lacking.end());
  const WebLog none{"", Share::kNone, {}, site.scopes[0].source};
  if (paths.empty()) paths[""].Add({&none});
  for (const auto& [path, in] : paths) {
    row.set_path(path);
    row.set_logged(Word(in.Of(site.scopes.size())));
    row.set_format(in.shown->format.text);
    row.mutable_missing()->Assign(in.missing.begin(), in.missing.end());
    row.set_source(in.shown->source);
    bytes_ += row.ByteSizeLong();
    full_ = rows_.size() == kMaxRows || bytes_ > kMaxBytes;
    if (full_) return;
    rows_.push_back(row);
  }
}

}  // namespace metsuke
