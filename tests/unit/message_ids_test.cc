// The ids of messages in the journal, and the catalogue that explains them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/filesystem.hpp>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace metsuke {
namespace {

namespace fs = boost::filesystem;
using ::testing::HasSubstr;

const fs::path kSource = METSUKE_SOURCE;

std::string Text(const fs::path& path) {
  std::ifstream in(path.string());
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(in) << path;
  return text.str();
}

// The ids of proto/message_ids.h, by the names they have there.
std::map<std::string, std::string> Ids() {
  const std::string text = Text(kSource / "proto/message_ids.h");
  const std::regex line(R"re((k\w+)\[\] =\s+"([0-9a-f]{32})")re");
  std::map<std::string, std::string> ids;
  for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end;
       ++it)
    EXPECT_TRUE(ids.emplace((*it)[1], (*it)[2]).second);
  return ids;
}

// What the catalogues of a language say, by id.
std::map<std::string, std::string> Explained(const std::string& suffix) {
  std::map<std::string, std::string> entries;
  for (const char* package : {"metsuke-agent", "metsuke-controller"}) {
    std::istringstream lines(
        Text(kSource / "packaging/catalog" / (package + suffix)));
    std::string* entry = nullptr;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("-- ")) {
        entry = &entries[line.substr(3)];
        EXPECT_TRUE(entry->empty()) << "twice: " << line;
      }
      if (entry != nullptr) *entry += line + "\n";
    }
  }
  return entries;
}

TEST(MessageIds, AreExplainedInBothLanguagesAndNoOthersAre) {
  std::set<std::string> ids;
  for (const auto& [name, id] : Ids())
    EXPECT_TRUE(ids.insert(id).second) << "twice: " << id;
  EXPECT_GE(ids.size(), 12u);
  for (const char* suffix : {".catalog", ".ja.catalog"}) {
    std::set<std::string> explained;
    for (const auto& [id, entry] : Explained(suffix)) {
      explained.insert(id);
      for (const char* part : {"\nSubject: ", "\nDefined-By: Metsuke\n",
                               "\nSupport: man:metsuke-", "\n\n"})
        EXPECT_THAT(entry, HasSubstr(part)) << suffix;
      EXPECT_TRUE(std::regex_search(
          entry, std::regex("(journalctl|systemctl|metsukectl|metsuke-agent|"
                            "df|openssl|apt) ")))
          << "no next command: " << entry;
    }
    EXPECT_EQ(explained, ids) << suffix;
  }
}

TEST(MessageIds, AreEachSentBySomeProgram) {
  std::string sources;
  for (const char* folder : {"agent", "controller"})
    for (const auto& entry : fs::recursive_directory_iterator(kSource / folder))
      if (entry.path().extension() == ".cc") sources += Text(entry.path());
  for (const auto& [name, id] : Ids())
    EXPECT_TRUE(sources.find("{" + name + "}") != std::string::npos ||
                sources.find("{" + name + ", ") != std::string::npos)
        << name << " is sent nowhere";
}

}  // namespace
}  // namespace metsuke
