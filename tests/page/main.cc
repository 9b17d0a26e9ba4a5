// metsuke-page-fleet OUT HOSTS: pages of a made fleet in the folder OUT, to be
// looked at in a browser: en.html and ja.html of its last night, and part.html
// of the last four days of the hosts that have labels.

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
  for (const auto& [name, made] :
       {std::pair("/en.html", fleet.Make(metsuke::Language::kEnglish)),
        {"/ja.html", fleet.Make(metsuke::Language::kJapanese)},
        {"/part.html",
         fleet.MakeOf({.selector = "zone=osaka", .host = ""}, 4,
                      metsuke::Language::kEnglish)}}) {
    const absl::Status written =
        metsuke::WriteFile(out + name, made.html, 0644);
    if (!written.ok()) {
      std::fprintf(stderr, "%s\n", metsuke::Message(written).c_str());
      return 1;
    }
  }
  return 0;
}
