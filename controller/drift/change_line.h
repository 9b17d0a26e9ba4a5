// Changed rows as people read them.

#ifndef METSUKE_CONTROLLER_DRIFT_CHANGE_LINE_H_
#define METSUKE_CONTROLLER_DRIFT_CHANGE_LINE_H_

#include "proto/host_text.h"
#include "proto/verdict.pb.h"

namespace metsuke {

// "+ protocol=tcp port=23  program=telnetd" or "~ name=ssh  value: no → yes".
HostText ChangeLine(const v1::Change& change);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DRIFT_CHANGE_LINE_H_
