// What makes a control fit to be believed.

#ifndef METSUKE_CONTROLLER_JUDGE_CONTROL_CHECK_H_
#define METSUKE_CONTROLLER_JUDGE_CONTROL_CHECK_H_

#include <functional>
#include <string>

#include "controller/judge/evaluate.h"
#include "controller/judge/parameters.h"
#include "controller/judge/tables.h"
#include "proto/baseline.pb.h"

namespace metsuke {

// Is told what is wrong with a control, and with which of its keys.
using Refuse =
    std::function<void(const std::string& key, const std::string& why)>;

// What a control is written as: one that is scored, or a rule of reports, which
// tests no statement and has no severity.
enum class Written { kControl, kRule };

// Compiles the control with the values of `parameters` in it, and tries it on
// its examples; `tables` is filled with them. What it returns is of use only if
// `refuse` was not called.
CompiledControl CompileControl(v1::Control control, Written as,
                               Parameters parameters, Tables& tables,
                               const Refuse& refuse);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_CONTROL_CHECK_H_
