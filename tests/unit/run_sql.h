// A store's database, changed behind its back.

#ifndef METSUKE_TESTS_UNIT_RUN_SQL_H_
#define METSUKE_TESTS_UNIT_RUN_SQL_H_

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>

namespace metsuke {

// Runs statements on the database of the store in `folder`.
inline void RunSql(const std::string& folder, const std::string& statements) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open((folder + "/metsuke.db").c_str(), &handle), SQLITE_OK);
  char* error = nullptr;
  EXPECT_EQ(
      sqlite3_exec(handle, statements.c_str(), nullptr, nullptr, &error),
      SQLITE_OK)
      << error;
  sqlite3_free(error);
  sqlite3_close(handle);
}

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_RUN_SQL_H_
