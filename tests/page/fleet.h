// A fleet to make pages of: hosts made after a recorded one, over some nights,
// in a store, held against the shipped baseline.

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
  // In the folder `state`, over so many nights by a clock in UTC, to which it
  // sets the program's; the last ends at `end()`, and one has no report.
  PageFleet(const std::string& state, int hosts, int nights);

  static int64_t end();

  ReportSources Sources();
  // The report of the last night.
  v1::Report Last();
  // That of the last days about these hosts.
  v1::Report Of(const HostFilter& hosts, int days);
  // The page of the last night; dies when there is none.
  MadePage Make(Language language, const std::string& page_template = "",
                const HostFilter& hosts = {});
  // The page of that about these hosts.
  MadePage MakeOf(const HostFilter& hosts, int days, Language language);

 private:
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
  // A digest over what each host last looked like.
  std::map<int, std::string> known_;
};

}  // namespace metsuke

#endif  // METSUKE_TESTS_PAGE_FLEET_H_
