// Versions of packages, compared as the host's own package manager would.

#ifndef METSUKE_CONTROLLER_JUDGE_VERSION_H_
#define METSUKE_CONTROLLER_JUDGE_VERSION_H_

#include <string_view>

namespace metsuke {

// Less than, equal to or greater than 0 as `a` is older than, as old as or
// newer than `b` by Debian Policy 5.6.12: [epoch:]upstream[-revision].
int CompareDebVersions(std::string_view a, std::string_view b);

// The same by the rules of rpm: [epoch:]version[-release], with "~" before
// and "^" after what has neither (rpm-version(7)). A version with a release is
// newer than the same without.
int CompareRpmVersions(std::string_view a, std::string_view b);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_VERSION_H_
