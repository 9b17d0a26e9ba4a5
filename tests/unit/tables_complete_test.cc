// Every table that metsuke-collect fills has one collector.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "collectors/collector.h"
#include "proto/canonical.h"
#include "proto/snapshot.pb.h"

namespace metsuke {
namespace {

TEST(Tables, EachHasOneCollector) {
  const auto* schema = v1::Snapshot::descriptor();
  std::set<std::string> tables;
  std::set<std::string> filled{"collections", "gaps"};  // by the cycle
  for (int i = 0; i < schema->field_count(); ++i)
    if (FilledBy(schema->field(i)) == "metsuke-collect")
      tables.insert(schema->field(i)->name());
  int last = 0;
  for (const Collector& collector : AllCollectors()) {
    const std::string table(collector.table);
    EXPECT_TRUE(filled.insert(table).second) << table << " has two";
    const auto* field = schema->FindFieldByName(table);
    ASSERT_NE(field, nullptr) << table;
    EXPECT_LT(last, field->number()) << table << " is out of order";
    last = field->number();
  }
  EXPECT_EQ(tables, filled);
}

}  // namespace
}  // namespace metsuke
