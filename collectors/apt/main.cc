// metsuke-apt: prints as JSON which packages apt would upgrade.
//
// SPDX-License-Identifier: GPL-2.0-or-later
// See LICENSE in this folder.
//
// It builds apt's cache in memory: it takes no lock and needs no privilege. All
// it writes is a file in $TMPDIR that apt's library unlinks at once, with what was
// signed of a list. Its output:
//
//   {"lists": N,            indexes of packages that have been fetched
//    "missing": [...],      indexes the sources name that are not there
//    "updates": [{"name", "architecture", "installed", "candidate",
//                 "security", "origin", "source", "held"}, ...]}
//
// Exit code 1, with apt's reasons on standard error, when apt cannot read its
// sources, its lists or dpkg's status.

#include <apt-pkg/cachefile.h>
#include <apt-pkg/configuration.h>
#include <apt-pkg/error.h>
#include <apt-pkg/indexfile.h>
#include <apt-pkg/init.h>
#include <apt-pkg/metaindex.h>
#include <apt-pkg/pkgcache.h>
#include <apt-pkg/pkgsystem.h>
#include <apt-pkg/policy.h>
#include <apt-pkg/sourcelist.h>

#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using nlohmann::json;

// Fields of a Release file may be missing.
std::string Text(const char* text) { return text == nullptr ? "" : text; }

// Debian's archive is labelled Debian-Security and has the codename
// bookworm-security; Ubuntu's has the suite noble-security; makers of
// derivatives keep to one of the two.
bool IsSecurity(const pkgCache::PkgFileIterator& file) {
  for (const char* field : {file.Label(), file.Codename(), file.Archive()}) {
    if (field != nullptr && strcasestr(field, "security") != nullptr) {
      return true;
    }
  }
  return false;
}

// Whether `version` can be had from a security archive.
bool FromSecurity(pkgCache::VerIterator version) {
  for (auto file = version.FileList(); !file.end(); ++file) {
    if (IsSecurity(file.File())) return true;
  }
  return false;
}

// "LABEL:SUITE" of where `version` can be had; a security archive goes first,
// as several may have the same version. apt shows the label too, as the origin
// of Debian's security archive is "Debian" like that of the main one.
std::string Origin(pkgCache::VerIterator version) {
  std::string origin;
  for (auto at = version.FileList(); !at.end(); ++at) {
    const pkgCache::PkgFileIterator file = at.File();
    if (file.Flagged(pkgCache::Flag::NotSource)) continue;
    if (!origin.empty() && !IsSecurity(file)) continue;
    std::string who = Text(file.Label());
    if (who.empty()) who = Text(file.Origin());
    if (who.empty()) who = Text(file.Site());
    std::string suite = Text(file.Archive());
    if (suite.empty()) suite = Text(file.Codename());
    origin = who + ":" + suite;
    if (IsSecurity(file)) break;
  }
  return origin;
}

// A later update without a security label often holds an earlier one with it,
// so every version on the way counts.
bool HasSecurity(pkgCache::PkgIterator package,
                 const pkgCache::VerIterator& installed,
                 const pkgCache::VerIterator& candidate) {
  for (auto version = package.VersionList(); !version.end(); ++version) {
    if (version.CompareVer(installed) > 0 &&
        version.CompareVer(candidate) <= 0 && FromSecurity(version)) {
      return true;
    }
  }
  return false;
}

// What apt calls upgradable: a held package is, and so is one that Ubuntu
// offers to a part of the machines first ("phased"), although "apt-get
// upgrade" leaves both as they are; it also needs no look at dependencies,
// which would take as long as all the rest.
json Updates(pkgCache& cache, pkgPolicy& policy) {
  json updates = json::array();
  for (auto package = cache.PkgBegin(); !package.end(); ++package) {
    if (package->CurrentVer == 0) continue;
    const pkgCache::VerIterator installed = package.CurrentVer();
    const pkgCache::VerIterator candidate = policy.GetCandidateVer(package);
    if (candidate.end() || candidate.CompareVer(installed) <= 0) continue;
    updates.push_back(
        {{"name", package.Name()},
         {"architecture", candidate.Arch()},
         {"installed", installed.VerStr()},
         {"candidate", candidate.VerStr()},
         {"security", HasSecurity(package, installed, candidate)},
         {"origin", Origin(candidate)},
         {"source", candidate.SourcePkgName()},
         {"held", package->SelectedState == pkgCache::State::Hold}});
  }
  return updates;
}

// Indexes of packages in the cache: not dpkg's status, which is one too.
int CountLists(pkgCache& cache) {
  int count = 0;
  for (auto file = cache.FileBegin(); !file.end(); ++file) {
    if (!file.Flagged(pkgCache::Flag::NotSource)) ++count;
  }
  return count;
}

// Whether the archive has nothing for `target`, so that it is not fetched: the
// packages for all architectures stand in the index of each architecture on
// most archives, and an index that is empty or not in the Release file is left
// out.
bool NothingThere(const metaIndex& release, bool loaded,
                  const IndexTarget& target) {
  if (target.Option(IndexTarget::ARCHITECTURE) == "all" &&
      !(loaded && release.IsArchitectureAllSupportedFor(target))) {
    return true;
  }
  if (!loaded) return false;
  const metaIndex::checkSum* entry = release.Lookup(target.MetaKey);
  return entry == nullptr || entry->Size == 0;
}

// The fetched Release file of a source; empty when it was never fetched.
std::string ReleaseFile(pkgCache& cache, const metaIndex& release) {
  const auto file = release.FindInCache(cache, false);
  return file.end() ? "" : Text(file.FileName());
}

// Indexes of packages that a source names and that have not been fetched: what
// they offer is not known.
void AddMissing(metaIndex& release, const std::string& file, json& missing) {
  std::string error;
  const bool loaded = !file.empty() && release.Load(file, &error);
  for (const IndexTarget& target : release.GetIndexTargets()) {
    if (target.Option(IndexTarget::CREATED_BY) == "Packages" &&
        target.Option(IndexTarget::FALLBACK_OF).empty() &&
        target.Option(IndexTarget::EXISTING_FILENAME).empty() &&
        !NothingThere(release, loaded, target)) {
      missing.push_back(target.Description);
    }
  }
}

json Report(pkgCacheFile& file) {
  pkgCache& cache = *file.GetPkgCache();
  json missing = json::array();
  // To libapt-pkg it is an error to ask for a Release file that was never
  // fetched; here it is what is asked.
  _error->PushToStack();
  for (metaIndex* release : *file.GetSourceList()) {
    AddMissing(*release, ReleaseFile(cache, *release), missing);
  }
  _error->RevertToStack();
  return {{"lists", CountLists(cache)},
          {"missing", missing},
          {"updates", Updates(cache, *file.GetPolicy())}};
}

int Fail() {
  _error->DumpErrors(std::cerr);
  return 1;
}

}  // namespace

int main() {
  if (!pkgInitConfig(*_config)) return Fail();
  _config->Set("Dir::Cache::pkgcache", "");
  _config->Set("Dir::Cache::srcpkgcache", "");
  // Descriptions are not asked for.
  _config->Clear("Acquire::Languages");
  _config->Set("Acquire::Languages", "none");
  if (!pkgInitSystem(*_config, _system)) return Fail();
  pkgCacheFile cache;
  if (!cache.BuildCaches(nullptr, false) || !cache.BuildPolicy(nullptr))
    return Fail();
  const json report = Report(cache);
  if (_error->PendingError()) return Fail();
  std::cout << report.dump(1, ' ', false, json::error_handler_t::replace)
            << '\n';
  return std::cout.flush() ? 0 : 1;
}
