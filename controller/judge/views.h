// What the controls of a baseline see of a table: not its rows, but the columns
// they read. Two hosts whose tables differ in other columns look the same to
// them, and are judged once.

#ifndef METSUKE_CONTROLLER_JUDGE_VIEWS_H_
#define METSUKE_CONTROLLER_JUDGE_VIEWS_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace metsuke {

// The columns of one table that a control reads.
struct View {
  std::string table;
  std::set<std::string> columns;
};

// All views of a baseline, each once, numbered from 0.
class Views {
 public:
  // The number of the view; a new one if it was not there.
  int Add(const View& view);

  const std::vector<View>& all() const { return views_; }
  // Numbers of the views of a table, in the order of Digests.
  const std::vector<int>& Of(const std::string& table) const;

  // What each view of the table shows of the rows in `canonical`, bytes of
  // CanonicalTable whose digest is `digest`, as 32 bytes: they are equal when
  // the rows are, in their order, in the columns that are seen. For more than
  // 16 KiB it is the digest of the whole, as looking closer would cost as much
  // as judging; so it is for bytes that cannot be read.
  std::vector<std::string> Digests(const std::string& table,
                                   const std::string& digest,
                                   std::string_view canonical) const;

 private:
  std::vector<View> views_;
  std::map<std::string, std::vector<int>> of_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_VIEWS_H_
