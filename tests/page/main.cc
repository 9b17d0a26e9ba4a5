// metsuke-page-fleet OUT HOSTS: pages of a made fleet, en.html and ja.html in
// the folder OUT, to be looked at in a browser.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "proto/file.h"
#include "proto/status.h"
#include "tests/page/fleet.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: metsuke-page-fleet OUT HOSTS\n");
    return 64;
  }
  const std::string out = argv[1];
  metsuke::PageFleet fleet(out + "/state", std::atoi(argv[2]), 8);
  for (const auto& [name, language] :
       {std::pair("/en.html", metsuke::Language::kEnglish),
        {"/ja.html", metsuke::Language::kJapanese}}) {
    const std::string html = fleet.Make(language).html;
    const absl::Status written = metsuke::WriteFile(out + name, html, 0644);
    if (!written.ok()) {
      std::fprintf(stderr, "%s\n", metsuke::Message(written).c_str());
      return 1;
    }
  }
  return 0;
}
