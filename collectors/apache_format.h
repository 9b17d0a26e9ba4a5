// What a format of httpd's mod_log_config records of a request.

#ifndef METSUKE_COLLECTORS_APACHE_FORMAT_H_
#define METSUKE_COLLECTORS_APACHE_FORMAT_H_

#include <string>
#include <string_view>
#include <vector>

namespace metsuke {

// See WebMissing.
std::vector<std::string> ApacheMissing(std::string_view format);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_APACHE_FORMAT_H_
