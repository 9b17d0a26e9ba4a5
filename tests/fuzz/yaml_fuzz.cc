// Feeds the YAML reader with what no editor would save. The first byte picks
// the message; what is read must be written such that it is read back alike.

#include <google/protobuf/util/message_differencer.h>

#include "proto/baseline.pb.h"
#include "proto/config.pb.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke {

template <typename Kind>
void ReadAndWrite(const std::string& yaml) {
  Kind message, again;
  YamlPlaces places;
  const absl::Status status = ReadYaml("fuzz", yaml, message, &places);
  if (!status.ok()) {
    if (!Message(status).starts_with("fuzz:")) __builtin_trap();
    return;
  }
  if (!ReadYaml("again", WriteYaml(message), again).ok()) __builtin_trap();
  if (!google::protobuf::util::MessageDifferencer::Equals(message, again))
    __builtin_trap();
}

}  // namespace metsuke

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace metsuke;
  if (size == 0) return 0;
  const std::string yaml(data + 1, data + size);
  if (data[0] % 2 == 0)
    ReadAndWrite<v1::Baseline>(yaml);
  else
    ReadAndWrite<v1::AgentConfig>(yaml);
  return 0;
}
