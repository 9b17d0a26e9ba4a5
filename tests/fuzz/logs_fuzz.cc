// Feeds what reads compressed logs, the configuration of syslog-ng and what is
// remembered of a journal with any bytes. The first one picks which.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "collectors/journal_drops.h"
#include "collectors/syslog_ng_reader.h"
#include "collectors/unpack.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace metsuke;
  constexpr const char* kNames[] = {"x.gz", "x.xz", "x.bz2", "x.zst"};
  constexpr size_t kMost = 1 << 20;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const unsigned which = data[0] % 6;
  if (which < 4) {
    if (const auto held = Unpack(kNames[which], text, kMost);
        held.ok() && held->size() > kMost)
      std::abort();
  } else if (which == 4) {
    // What it includes is itself.
    SyslogNgReader reader([&](const std::string& path) {
      return std::vector<SyslogFile>{{path, text}};
    });
    reader.Read({"conf", text});
    for (const v1::SyslogRoute& route : reader.Routes())
      if (route.facility().empty() || route.severity().empty()) std::abort();
  } else {
    for (const JournalDrop& drop : DropsFromText(text))
      if (DropsFromText(ToText(drop)) != std::vector{drop}) std::abort();
  }
  return 0;
}
