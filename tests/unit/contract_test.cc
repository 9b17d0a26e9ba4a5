// What another version of a program relies on: agents of the version before,
// the operators' tools, what lies in databases and spools. tests/contract has
// it as it was at a release; what stands there never changes its meaning.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/filesystem.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace metsuke {
namespace {

namespace fs = boost::filesystem;
using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::ServiceDescriptor;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Lines = std::set<std::string>;

std::string TypeOf(const FieldDescriptor* field) {
  if (const auto* message = field->message_type()) return message->full_name();
  if (const auto* type = field->enum_type()) return type->full_name();
  return field->type_name();
}

// One field in one line: where, number, type, name.
std::string Line(const std::string& where, const FieldDescriptor* field) {
  return fmt::format("{} {} {}{}{} {}", where, field->number(),
                     field->is_repeated() ? "repeated " : "",
                     field->has_presence() && !field->message_type() &&
                             !field->real_containing_oneof()
                         ? "optional "
                         : "",
                     TypeOf(field), field->name());
}

void Add(const EnumDescriptor* type, Lines& lines) {
  for (int i = 0; i < type->value_count(); ++i)
    lines.insert(fmt::format("enum {} {} {}", type->full_name(),
                             type->value(i)->number(), type->value(i)->name()));
}

void Add(const Descriptor* message, Lines& lines) {
  const std::string where = "message " + message->full_name();
  for (int i = 0; i < message->field_count(); ++i)
    lines.insert(Line(where, message->field(i)));
  for (int i = 0; i < message->oneof_decl_count(); ++i)
    for (int k = 0; k < message->oneof_decl(i)->field_count(); ++k)
      if (message->oneof_decl(i)->field_count() > 1)
        lines.insert(fmt::format("oneof {} {} {}", message->full_name(),
                                 message->oneof_decl(i)->name(),
                                 message->oneof_decl(i)->field(k)->name()));
  for (int i = 0; i < message->nested_type_count(); ++i)
    Add(message->nested_type(i), lines);
  for (int i = 0; i < message->enum_type_count(); ++i)
    Add(message->enum_type(i), lines);
}

void Add(const ServiceDescriptor* service, Lines& lines) {
  for (int i = 0; i < service->method_count(); ++i) {
    const auto* method = service->method(i);
    lines.insert(fmt::format("rpc {} {}{} returns {}{}", method->full_name(),
                             method->client_streaming() ? "stream " : "",
                             method->input_type()->full_name(),
                             method->server_streaming() ? "stream " : "",
                             method->output_type()->full_name()));
  }
}

void Add(const FileDescriptor* file, Lines& lines) {
  for (int i = 0; i < file->message_type_count(); ++i)
    Add(file->message_type(i), lines);
  for (int i = 0; i < file->enum_type_count(); ++i)
    Add(file->enum_type(i), lines);
  for (int i = 0; i < file->service_count(); ++i) Add(file->service(i), lines);
  for (int i = 0; i < file->extension_count(); ++i)
    lines.insert(Line(
        "extension of " + file->extension(i)->containing_type()->full_name(),
        file->extension(i)));
}

// What the schema of this build promises, one line each.
Lines Promised() {
  std::ifstream in(METSUKE_BINARY "/schema.binpb", std::ios::binary);
  google::protobuf::FileDescriptorSet set;
  EXPECT_TRUE(set.ParseFromIstream(&in));
  DescriptorPool pool;
  Lines lines;
  for (const auto& file : set.file()) {
    const FileDescriptor* built = pool.BuildFile(file);
    if (built == nullptr) {
      ADD_FAILURE() << file.name() << " is no schema";
      continue;
    }
    if (built->package() == "metsuke.v1") Add(built, lines);
  }
  return lines;
}

Lines Frozen(const fs::path& path) {
  std::ifstream in(path.string());
  Lines lines;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line[0] != '#') lines.insert(line);
  return lines;
}

// Fields and values that came after the version and have numbers below some
// that it had. A collector says by the highest number which columns it knows:
// one that filled a hole would seem to be known by older agents, too; and a hole
// may be of a field that is no more.
std::vector<std::string> BelowTheLast(const Lines& frozen,
                                      const Lines& promised) {
  const auto parts = [](const std::string& line) {
    std::istringstream in(line);
    std::string kind, name;
    int number = 0;
    in >> kind >> name >> number;
    return std::pair(kind == "message" || kind == "enum" ? name : "", number);
  };
  std::map<std::string, int> last;
  for (const std::string& line : frozen) {
    const auto [name, number] = parts(line);
    if (!name.empty()) last[name] = std::max(last[name], number);
  }
  std::vector<std::string> below;
  for (const std::string& line : promised) {
    const auto [name, number] = parts(line);
    if (!frozen.contains(line) && last.contains(name) && number < last[name])
      below.push_back(line);
  }
  return below;
}

TEST(Contract, ANewFieldIsKnownFromOneThatFillsAHole) {
  const Lines frozen = {"message a.Port 1 string program",
                        "message a.Port 9 uint32 port",
                        "enum a.Kind 3 KIND_C", "oneof a.Port x y"};
  Lines promised = frozen;
  promised.insert({"message a.Port 10 string address",
                   "message a.New 1 string name", "enum a.Kind 4 KIND_D"});
  EXPECT_THAT(BelowTheLast(frozen, promised), IsEmpty());
  promised.insert({"message a.Port 8 string hole", "enum a.Kind 2 KIND_B"});
  EXPECT_THAT(BelowTheLast(frozen, promised),
              ElementsAre("enum a.Kind 2 KIND_B",
                          "message a.Port 8 string hole"));
}

TEST(Contract, WhatAVersionHasPromisedStands) {
  const fs::path folder = METSUKE_SOURCE "/tests/contract";
  const Lines promised = Promised();
  if (const char* version = std::getenv("METSUKE_FREEZE")) {
    const fs::path path = folder / fmt::format("{}.txt", version);
    ASSERT_FALSE(fs::exists(path)) << path << " is frozen";
    std::ofstream out(path.string());
    out << "# What version " << version << " has promised to others.\n";
    for (const std::string& line : promised) out << line << "\n";
  }
  int versions = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    ++versions;
    const Lines frozen = Frozen(entry.path());
    EXPECT_GT(frozen.size(), 500u) << entry.path();
    std::vector<std::string> gone;
    std::ranges::set_difference(frozen, promised, std::back_inserter(gone));
    EXPECT_THAT(gone, IsEmpty())
        << "version " << entry.path().stem().string()
        << " relies on this: leave it as it is, and add what is new beside it";
    EXPECT_THAT(BelowTheLast(frozen, promised), IsEmpty())
        << "give what is new a number above all that version "
        << entry.path().stem().string() << " had there";
  }
  EXPECT_GE(versions, 1);
}

}  // namespace
}  // namespace metsuke
