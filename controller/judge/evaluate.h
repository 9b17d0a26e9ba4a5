// Holds one host against one control.

#ifndef METSUKE_CONTROLLER_JUDGE_EVALUATE_H_
#define METSUKE_CONTROLLER_JUDGE_EVALUATE_H_

#include <string>

#include "controller/judge/sight.h"
#include "controller/judge/tables.h"
#include "proto/baseline.pb.h"
#include "proto/operator.pb.h"

namespace metsuke {

// A control whose queries have been tried against the schema.
struct CompiledControl {
  v1::Control control;
  // SHA-256 over all of it.
  std::string digest;
  // What `applies` rests on; nothing when it is empty.
  Access applies;
  // What `violations` rests on.
  Access violations;

  // What either query reads.
  metsuke::Reads Reads() const;
  // The same tables with the columns that either query decides by: whether the
  // control passes, fails or does not apply depends on no others.
  metsuke::Reads Decides() const;
  // Whether either query asks what time it is.
  bool Time() const { return applies.time || violations.time; }
};

// How a control came out on a host.
struct Judgement {
  v1::Verdict verdict = v1::VERDICT_UNKNOWN;
  // Why it is unknown or not applicable; empty otherwise.
  HostText reason;
  // The violations; empty unless it failed.
  Rows evidence;
  // Whether the same question may be answered otherwise at another time: a
  // query was stopped because the machine was slow or out of memory.
  bool passing = false;
};

// Judges by these rules, the first that fits:
//   unknown         a table that a query reads was not collected, or a register
//                   never kept: its rows cannot be relied on, neither those
//                   there nor those missing
//   not_applicable  `applies` finds nothing, and there is no gap
//   fail            `violations` finds something, gaps or not; one that
//                   concludes from what is missing (Control.absence) only
//                   where there is no gap
//   pass            `violations` finds nothing, and there is no gap
//   unknown         otherwise: something could not be seen, or a query failed
// A gap is one of the rows of a table the query reads, or of a column it
// decides by. A column it only shows changes nothing.
// `tables` has the host's rows of all tables the control reads, `sight` tells
// how they came about, and `now` is what the queries' now() returns.
Judgement Evaluate(const CompiledControl& control, Tables& tables,
                   const Sight& sight, int64_t now, const QueryLimits& limits);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_EVALUATE_H_
