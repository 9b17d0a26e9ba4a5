// A folder of dated reports with an index.

#ifndef METSUKE_CONTROLLER_DELIVERY_FOLDER_H_
#define METSUKE_CONTROLLER_DELIVERY_FOLDER_H_

#include <string>

#include "absl/status/status.h"
#include "controller/delivery/letter.h"

namespace metsuke {

// Puts the report into `folder`, which is made if its parent is there, as
// DAY.html, which is `page`, DAY.txt and DAY.json, each whole or not at all,
// and writes index.html anew over all days that are there. Errors name the
// file.
absl::Status PutIntoFolder(const std::string& folder, const Letter& letter,
                           const std::string& page);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DELIVERY_FOLDER_H_
