#include "controller/drift/diff_verdicts.h"

#include "proto/text.h"

namespace metsuke {
namespace {

void AddColumn(const char* name, const std::string& was, const std::string& is,
               v1::Change& change) {
  if (was == is) return;
  v1::ColumnChange& column = *change.add_columns();
  column.set_column(name);
  column.set_before(was);
  column.set_after(is);
}

std::string VerdictText(v1::Verdict verdict) {
  return EnumText(v1::Verdict_descriptor()->FindValueByNumber(verdict));
}

}  // namespace

std::vector<v1::Change> DiffVerdicts(const CompiledBaseline& baseline,
                                     const JudgedState& before,
                                     const JudgedState& after) {
  std::vector<v1::Change> changes;
  for (size_t i = 0; i < baseline.controls.size(); ++i) {
    const Judgement& was = *before.judgements[i];
    const Judgement& is = *after.judgements[i];
    if (was.verdict == is.verdict) continue;
    v1::Change& change = changes.emplace_back();
    change.set_table("verdicts");
    change.set_kind("changed");
    change.add_key("control=" + baseline.controls[i].control.id());
    AddColumn("verdict", VerdictText(was.verdict), VerdictText(is.verdict),
              change);
    AddColumn("reason", was.reason.raw(), is.reason.raw(), change);
  }
  return changes;
}

}  // namespace metsuke
