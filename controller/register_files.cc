#include "controller/register_files.h"

#include <fmt/format.h>

#include "proto/status.h"

namespace metsuke {

std::string GivenRegisters::Place(const std::string& name, int row,
                                  const std::string& key) const {
  const auto found = places.find(name);
  if (found == places.end() || row < 0 ||
      row >= static_cast<int>(found->second.size()))
    return "";
  const RowPlace& at = found->second[row];
  const auto& [file, known] = files[at.file];
  auto place = known.find(at.item + "." + key);
  if (place == known.end()) place = known.find(at.item);
  if (place == known.end()) return file + ": ";
  return fmt::format("{}:{}:{}: ", file, place->second.line,
                     place->second.column);
}

absl::StatusOr<GivenRegisters> ReadRegisterFiles(
    const std::vector<v1::BaselineFile>& files) {
  GivenRegisters given;
  std::string errors;
  const auto* type = v1::Registers::descriptor();
  for (const v1::BaselineFile& file : files) {
    v1::Registers rows;
    YamlPlaces places;
    const absl::Status read = ReadYaml(file.name(), file.yaml(), rows, &places);
    if (!read.ok()) {
      errors += (errors.empty() ? "" : "\n") + Message(read);
      continue;
    }
    const int number = static_cast<int>(given.files.size());
    for (int f = 0; f < type->field_count(); ++f) {
      const std::string& name = type->field(f)->name();
      // A register without a row is named, too.
      if (!places.contains(name)) continue;
      given.named.insert(name);
      const int size = rows.GetReflection()->FieldSize(rows, type->field(f));
      for (int i = 0; i < size; ++i)
        given.places[name].push_back({number, fmt::format("{}[{}]", name, i)});
    }
    given.rows.MergeFrom(rows);
    given.files.emplace_back(file.name(), std::move(places));
  }
  if (!errors.empty()) return absl::InvalidArgumentError(errors);
  if (given.named.empty())
    return absl::InvalidArgumentError(
        "no register is named; metsukectl register show tells which there are");
  return given;
}

}  // namespace metsuke
