// Puts events together that are one for a reader (proto/event_sum.h), and what
// one process said twice. Who tries more accounts than anybody reads gets one event for
// those that are too many, and so does who runs as many programs; nobody blurs
// by that what others did.

#ifndef METSUKE_COLLECTORS_EVENT_SUMS_H_
#define METSUKE_COLLECTORS_EVENT_SUMS_H_

#include <map>
#include <string>
#include <vector>

#include "proto/event.pb.h"

namespace metsuke {

class EventSums {
 public:
  // In the order of the records; `process` is that of the writer.
  void Add(v1::Event event, uint64_t process);

  // How many there are at present.
  size_t size() const { return events_.size(); }
  // All of them, in the order of the first record of each.
  std::vector<v1::Event> Take();

 private:
  void AddToSum(v1::Event event);
  // Whether PAM has said of the same try that it failed.
  bool SaidByPam(const v1::Event& event, uint64_t process);

  std::vector<v1::Event> events_;
  std::map<std::string, size_t> sums_;        // index of the event they count in
  std::map<std::string, size_t> told_apart_;  // sums, by whom they are about
  std::map<uint64_t, size_t> said_;         // by process: its last event
  std::map<uint64_t, int64_t> failed_;      // by process: when, in seconds
  std::map<uint64_t, int64_t> said_by_pam_;  // the same, and sshd has not yet
  std::map<uint64_t, size_t> ran_;  // by process of sudo: what it ran last
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_EVENT_SUMS_H_
