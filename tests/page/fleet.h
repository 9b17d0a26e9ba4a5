// A fleet to make pages of: hosts made after a recorded one, over some nights,
// in a store, held against the shipped baseline. Most of it is in good order;
// some of it fails, some cannot be seen, and one host is hostile.

#ifndef METSUKE_TESTS_PAGE_FLEET_H_
#define METSUKE_TESTS_PAGE_FLEET_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "controller/page/page.h"
#include "controller/registers.h"
#include "controller/standing.h"
#include "controller/store/store.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

class PageFleet {
 public:
  // In the folder `state`; `nights` of them have reports, the last of which
  // ends at `end()`.
  PageFleet(const std::string& state, int hosts, int nights);

  static int64_t end();

  ReportSources Sources();
  // The report of the last night.
  v1::Report Last();
  // Its page; dies when there is none.
  MadePage Make(Language language, const std::string& page_template = "",
                const HostFilter& hosts = {});

  // What the hostile host says wherever it can.
  static const std::string& Hostile();

 private:
  // What host `i` looks like in the night `night`, counted from the last.
  v1::Snapshot Look(int i, int night) const;
  void Report(int i, const v1::Snapshot& look, int64_t at);
  void Night(int night);
  void Waive(const std::string& control, const std::string& selector,
             int64_t from);

  const int hosts_;
  v1::Snapshot recorded_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<StandingBaseline> baseline_;
  std::unique_ptr<StandingRegisters> registers_;
  std::shared_ptr<Judge> judge_;
  std::map<int, uint64_t> seq_;
  // What each table of each host last was, by its digest.
  std::map<int, std::string> known_;
};

}  // namespace metsuke

#endif  // METSUKE_TESTS_PAGE_FLEET_H_
