// What a SELECT shows and what it decides by are different things: the first
// stands in its list of columns, the second behind FROM.

#ifndef METSUKE_CONTROLLER_JUDGE_SELECT_LIST_H_
#define METSUKE_CONTROLLER_JUDGE_SELECT_LIST_H_

#include <optional>
#include <string>
#include <string_view>

namespace metsuke {

// The SELECT with "1" in place of its list of columns: it returns a row when
// `sql` does. Nothing where that cannot be said, because `sql` is no plain
// SELECT … FROM … or looks at the rows it shows once more (HAVING, EXCEPT,
// LIMIT). The result need not compile: something in it may speak of a column
// by a name that the list gave.
std::optional<std::string> WithoutList(std::string_view sql);

// Whether the SELECT joins tables by columns it does not name (NATURAL) or
// names once for both (USING). SQLite tells its authorizer nothing of these.
bool JoinsByName(std::string_view sql);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_SELECT_LIST_H_
