#include "controller/judge/baseline.h"

#include <fmt/format.h>

#include <map>

#include "controller/judge/control_check.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke {
namespace {

constexpr size_t kMaxControls = 2000;
constexpr size_t kMaxErrors = 200;

// Puts the files together and collects what is wrong with them.
class Loader {
 public:
  explicit Loader(Tables tables) : tables_(std::move(tables)) {}

  void Add(const v1::BaselineFile& file);
  absl::StatusOr<CompiledBaseline> Result();

 private:
  void AddControl(const v1::BaselineFile& file, const YamlPlaces& places,
                  int index, v1::Control control);
  void Refuse(const std::string& error) { errors_.push_back(error); }

  Tables tables_;
  CompiledBaseline baseline_;
  // Where each id was first written.
  std::map<std::string, std::string> ids_;
  std::vector<std::string> errors_;
};

std::string Place(const v1::BaselineFile& file, const YamlPlaces& places,
                  const std::string& item, const std::string& key) {
  auto place = places.find(item + "." + key);
  if (place == places.end()) place = places.find(item);
  return fmt::format("{}:{}:{}", file.name(), place->second.line,
                     place->second.column);
}

void Loader::Add(const v1::BaselineFile& file) {
  v1::Baseline baseline;
  YamlPlaces places;
  const absl::Status status =
      ReadYaml(file.name(), file.yaml(), baseline, &places);
  if (!status.ok()) return Refuse(Message(status));
  for (int i = 0; i < baseline.controls_size(); ++i)
    AddControl(file, places, i, std::move(*baseline.mutable_controls(i)));
}

void Loader::AddControl(const v1::BaselineFile& file, const YamlPlaces& places,
                        int index, v1::Control control) {
  const std::string item = fmt::format("controls[{}]", index);
  const std::string name = control.id().empty()
                               ? fmt::format("number {}", index + 1)
                               : enc::Tty(HostText(control.id()));
  const auto refuse = [&](const std::string& key, const std::string& why) {
    Refuse(fmt::format("{}: control {}: {}", Place(file, places, item, key),
                       name, why));
  };
  const auto [first, fresh] =
      ids_.emplace(control.id(), Place(file, places, item, "id"));
  if (!fresh && !control.id().empty())
    refuse("id", "the id was already used at " + first->second);
  if (baseline_.controls.size() == kMaxControls)
    return refuse("", fmt::format("more than {} controls", kMaxControls));
  baseline_.controls.push_back(
      CompileControl(std::move(control), tables_, refuse));
}

absl::StatusOr<CompiledBaseline> Loader::Result() {
  if (errors_.empty() && baseline_.controls.empty())
    Refuse("the baseline has no controls");
  if (!errors_.empty()) {
    const size_t all = errors_.size();
    if (all > kMaxErrors) {
      errors_.resize(kMaxErrors);
      errors_.push_back(fmt::format("and {} more", all - kMaxErrors));
    }
    return absl::InvalidArgumentError(
        fmt::format("{}", fmt::join(errors_, "\n")));
  }
  std::string digests;
  for (const CompiledControl& control : baseline_.controls)
    digests += control.digest;
  baseline_.version = Hex(Sha256(digests));
  return std::move(baseline_);
}

}  // namespace

const CompiledControl* CompiledBaseline::Find(const std::string& id) const {
  for (const CompiledControl& control : controls)
    if (control.control.id() == id) return &control;
  return nullptr;
}

v1::Baseline CompiledBaseline::ToMessage() const {
  v1::Baseline baseline;
  for (const CompiledControl& control : controls)
    *baseline.add_controls() = control.control;
  return baseline;
}

absl::StatusOr<CompiledBaseline> LoadBaseline(
    const std::vector<v1::BaselineFile>& files) {
  ASSIGN_OR_RETURN(Tables tables, Tables::Open());
  Loader loader(std::move(tables));
  for (const v1::BaselineFile& file : files) loader.Add(file);
  return loader.Result();
}

}  // namespace metsuke
