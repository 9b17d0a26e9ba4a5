// Which events are one for a reader: failures of one account from one source by
// one method, and what the kernel recorded of one account and one program,
// within ten minutes of the clock. The agent makes one of what it reads at
// once, the controller of what it shows; both mean the same.

#ifndef METSUKE_PROTO_EVENT_SUM_H_
#define METSUKE_PROTO_EVENT_SUM_H_

#include <cstdint>
#include <string>

#include "proto/event.pb.h"

namespace metsuke {

// Whether events like this one are summed.
bool IsSummed(const v1::Event& event);

// The window of ten minutes it lies in; the windows are in the order of time.
int64_t SumWindow(const v1::Event& event);

// Events that are summed are one when this is the same of them.
std::string SumKey(const v1::Event& event);

// Adds a later one of the same key to a sum.
void AddToSum(const v1::Event& event, v1::Event& sum);

}  // namespace metsuke

#endif  // METSUKE_PROTO_EVENT_SUM_H_
