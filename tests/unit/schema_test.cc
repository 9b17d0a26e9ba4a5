// What the .proto files promise, read by reflection, so that whoever adds a
// table or a call is told what was forgotten.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <set>

#include "proto/options.pb.h"
#include "proto/snapshot.pb.h"

namespace metsuke {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

// The descriptors compiled into the program have no comments; the set that the
// build writes has.
class Schema : public testing::Test {
 protected:
  Schema() {
    google::protobuf::FileDescriptorSet files;
    std::ifstream in(METSUKE_BINARY "/schema.binpb", std::ios::binary);
    EXPECT_TRUE(files.ParseFromIstream(&in));
    for (const auto& file : files.file()) {
      const FileDescriptor* built = pool_.BuildFile(file);
      EXPECT_NE(built, nullptr) << file.name();
      if (built != nullptr && built->package() == "metsuke.v1")
        ours_.push_back(built);
    }
    snapshot_ = pool_.FindMessageTypeByName("metsuke.v1.Snapshot");
    EXPECT_NE(snapshot_, nullptr);
    registers_ = pool_.FindMessageTypeByName("metsuke.v1.Registers");
    EXPECT_NE(registers_, nullptr);
  }

  template <typename Check>
  void ForEachColumn(Check&& check) {
    for (const Descriptor* tables : {snapshot_, registers_})
      for (int t = 0; t < tables->field_count(); ++t) {
        const Descriptor* row = tables->field(t)->message_type();
        for (int c = 0; c < row->field_count(); ++c) check(row->field(c));
      }
  }

  DescriptorPool pool_;
  std::vector<const FileDescriptor*> ours_;
  const Descriptor* snapshot_;
  const Descriptor* registers_;
};

TEST_F(Schema, EveryTableIsARepeatedMessageTheMaskCanAskFor) {
  for (int t = 0; t < snapshot_->field_count(); ++t) {
    const FieldDescriptor* table = snapshot_->field(t);
    EXPECT_TRUE(table->is_repeated() && table->message_type() != nullptr)
        << table->full_name();
    EXPECT_LT(table->number(), 64) << table->full_name();
  }
}

// So are they in SQL, and the bytes of one are never those of the other.
TEST_F(Schema, RegistersStandBesideTheTables) {
  for (int r = 0; r < registers_->field_count(); ++r) {
    const FieldDescriptor* field = registers_->field(r);
    EXPECT_TRUE(field->is_repeated() && field->message_type() != nullptr)
        << field->full_name();
    EXPECT_GT(field->number(), 1000) << field->full_name();
    EXPECT_EQ(snapshot_->FindFieldByName(field->name()), nullptr)
        << field->full_name();
    EXPECT_TRUE(
        field->message_type()->field(0)->options().GetExtension(v1::key))
        << field->full_name() << ": the first column names the row";
  }
}

// SQL columns, canonical order and drift know these types and no others.
TEST_F(Schema, RowsAreFlatAndNeverNull) {
  const std::set<FieldDescriptor::Type> kColumns = {
      FieldDescriptor::TYPE_STRING, FieldDescriptor::TYPE_BOOL,
      FieldDescriptor::TYPE_INT32,  FieldDescriptor::TYPE_UINT32,
      FieldDescriptor::TYPE_INT64,  FieldDescriptor::TYPE_UINT64};
  ForEachColumn([&](const FieldDescriptor* column) {
    EXPECT_TRUE(kColumns.contains(column->type())) << column->full_name();
    EXPECT_FALSE(column->has_optional_keyword()) << column->full_name();
    EXPECT_EQ(column->real_containing_oneof(), nullptr) << column->full_name();
    if (column->is_repeated()) {
      EXPECT_EQ(column->type(), FieldDescriptor::TYPE_STRING)
          << column->full_name();
    }
  });
}

TEST_F(Schema, KeysAreScalarsAndInstantsAreSeconds) {
  int keys = 0;
  ForEachColumn([&](const FieldDescriptor* column) {
    const auto& options = column->options();
    if (options.GetExtension(v1::key)) {
      ++keys;
      EXPECT_FALSE(column->is_repeated()) << column->full_name();
    }
    if (options.GetExtension(v1::instant)) {
      EXPECT_EQ(column->type(), FieldDescriptor::TYPE_INT64)
          << column->full_name();
    }
    if (options.HasExtension(v1::values)) {
      EXPECT_EQ(column->type(), FieldDescriptor::TYPE_STRING)
          << column->full_name();
    }
  });
  EXPECT_GT(keys, 20);  // the extensions were read
}

void ExpectComments(const Descriptor* message) {
  google::protobuf::SourceLocation where;
  for (int f = 0; f < message->field_count(); ++f)
    EXPECT_TRUE(message->field(f)->GetSourceLocation(&where) &&
                !where.leading_comments.empty())
        << message->field(f)->full_name();
  for (int n = 0; n < message->nested_type_count(); ++n)
    if (!message->nested_type(n)->options().map_entry())
      ExpectComments(message->nested_type(n));
}

TEST_F(Schema, EveryFieldHasAComment) {
  EXPECT_GT(ours_.size(), 5u);
  for (const FileDescriptor* file : ours_) {
    for (int m = 0; m < file->message_type_count(); ++m)
      ExpectComments(file->message_type(m));
    google::protobuf::SourceLocation where;
    for (int e = 0; e < file->extension_count(); ++e)
      EXPECT_TRUE(file->extension(e)->GetSourceLocation(&where) &&
                  !where.leading_comments.empty())
          << file->extension(e)->full_name();
  }
}

TEST_F(Schema, EveryCallSaysWhoMayMakeIt) {
  const std::set<std::string> kRoles = {"host", "operator"};
  int calls = 0;
  for (const FileDescriptor* file : ours_)
    for (int s = 0; s < file->service_count(); ++s)
      for (int m = 0; m < file->service(s)->method_count(); ++m, ++calls) {
        const auto* method = file->service(s)->method(m);
        EXPECT_TRUE(
            kRoles.contains(method->options().GetExtension(v1::role)))
            << method->full_name();
      }
  EXPECT_GT(calls, 2);
}

}  // namespace
}  // namespace metsuke
