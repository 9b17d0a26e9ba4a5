#include "controller/judge/baseline.h"

#include <fmt/format.h>

#include <map>

#include "controller/judge/control_check.h"
#include "controller/judge/parameters.h"
#include "controller/judge/report_rules.h"
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
  // One file as it was read.
  struct Read {
    std::string name;
    v1::Baseline baseline;
    YamlPlaces places;
  };

  using Controls = google::protobuf::RepeatedPtrField<v1::Control>;

  void AddParameter(const Read& file, int index);
  void AddControls(const Read& file, const char* list, const Controls& controls,
                   Written as, std::vector<CompiledControl>& compiled);
  void AddControl(const Read& file, const std::string& item, int index,
                  v1::Control control, Written as,
                  std::vector<CompiledControl>& compiled);
  void AddReportRules(const Read& file);
  void Refuse(const std::string& error) { errors_.push_back(error); }

  Tables tables_;
  std::vector<Read> files_;
  bool unread_ = false;  // whether a file could not be read
  Parameters parameters_;
  CompiledBaseline baseline_;
  // Where each id was first written, and each parameter's name after a "$".
  std::map<std::string, std::string> ids_;
  std::vector<std::string> errors_;
};

std::string Place(const std::string& file, const YamlPlaces& places,
                  const std::string& item, const std::string& key) {
  auto place = places.find(item + "." + key);
  if (place == places.end()) place = places.find(item);
  return fmt::format("{}:{}:{}", file, place->second.line,
                     place->second.column);
}

void Loader::Add(const v1::BaselineFile& file) {
  Read read{.name = file.name(), .baseline = {}, .places = {}};
  const absl::Status status =
      ReadYaml(file.name(), file.yaml(), read.baseline, &read.places);
  unread_ = unread_ || !status.ok();
  if (!status.ok()) return Refuse(Message(status));
  for (int i = 0; i < read.baseline.parameters_size(); ++i)
    AddParameter(read, i);
  files_.push_back(std::move(read));
}

void Loader::AddParameter(const Read& file, int index) {
  const v1::Parameter& parameter = file.baseline.parameters(index);
  const std::string place =
      Place(file.name, file.places, fmt::format("parameters[{}]", index), "name");
  const auto refuse = [&](const std::string& why) {
    Refuse(fmt::format("{}: parameter {}: {}", place,
                       enc::Tty(HostText(parameter.name())), why));
  };
  const auto [first, fresh] = ids_.emplace("$" + parameter.name(), place);
  if (!fresh) refuse("it was already written at " + first->second);
  if (parameter.about().en().empty() || parameter.about().ja().empty())
    refuse("about is missing: what it is, in English (en) and Japanese (ja)");
  if (const absl::Status set = parameters_.Set(parameter); !set.ok())
    refuse(Message(set));
  *baseline_.parameters.Add() = parameter;
}

void Loader::AddControls(const Read& file, const char* list,
                         const Controls& controls, Written as,
                         std::vector<CompiledControl>& compiled) {
  for (int i = 0; i < controls.size(); ++i)
    AddControl(file, fmt::format("{}[{}]", list, i), i, controls[i], as,
               compiled);
}

void Loader::AddControl(const Read& file, const std::string& item, int index,
                        v1::Control control, Written as,
                        std::vector<CompiledControl>& compiled) {
  // What it refers to may stand in the file that could not be read.
  if (unread_ && !parameters_.HasAllOf(control)) return;
  const std::string name = control.id().empty()
                               ? fmt::format("number {}", index + 1)
                               : enc::Tty(HostText(control.id()));
  const auto refuse = [&](const std::string& key, const std::string& why) {
    Refuse(fmt::format("{}: control {}: {}",
                       Place(file.name, file.places, item, key), name, why));
  };
  const auto [first, fresh] =
      ids_.emplace(control.id(), Place(file.name, file.places, item, "id"));
  if (!fresh && !control.id().empty())
    refuse("id", "the id was already used at " + first->second);
  if (compiled.size() == kMaxControls)
    return refuse("", fmt::format("more than {} controls", kMaxControls));
  compiled.push_back(
      CompileControl(std::move(control), as, parameters_, tables_, refuse));
}

void Loader::AddReportRules(const Read& file) {
  AddControls(file, "coming", file.baseline.coming(), Written::kRule,
              baseline_.coming);
  AddControls(file, "stale", file.baseline.stale(), Written::kRule,
              baseline_.stale);
  CheckReportRules(file.baseline, [&](const std::string& item,
                                      const std::string& why) {
    Refuse(fmt::format("{}: {}", Place(file.name, file.places, item, ""), why));
  });
  baseline_.report.mutable_sections()->MergeFrom(file.baseline.sections());
  baseline_.report.mutable_noise()->MergeFrom(file.baseline.noise());
  baseline_.report.mutable_causes()->MergeFrom(file.baseline.causes());
}

// Controls may refer to what stands in another file.
absl::StatusOr<CompiledBaseline> Loader::Result() {
  for (const Read& file : files_) {
    AddControls(file, "controls", file.baseline.controls(), Written::kControl,
                baseline_.controls);
    AddReportRules(file);
  }
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
  for (const auto* controls :
       {&baseline_.controls, &baseline_.coming, &baseline_.stale})
    for (const CompiledControl& control : *controls) digests += control.digest;
  digests += baseline_.report.SerializeAsString();
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
  v1::Baseline baseline = report;
  for (const CompiledControl& control : controls)
    *baseline.add_controls() = control.control;
  for (const CompiledControl& rule : coming)
    *baseline.add_coming() = rule.control;
  for (const CompiledControl& rule : stale)
    *baseline.add_stale() = rule.control;
  *baseline.mutable_parameters() = parameters;
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
