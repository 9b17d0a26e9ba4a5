// What must not compile: ways for a host's bytes to reach a person or a log
// without an encoder. Each CASE is compiled alone by run.sh and must fail; CASE
// 0 must compile, or the failures would prove nothing.

#include <fmt/format.h>

#include <iostream>
#include <string>
#include <string_view>

#include "proto/encode.h"
#include "proto/host_text.h"
#include "proto/log.h"

std::string Use(const metsuke::HostText& text) {
#if CASE == 0
  return metsuke::enc::Tty(text) + text.raw();
#elif CASE == 1  // printed
  std::cout << text;
#elif CASE == 2  // formatted
  return fmt::format("{}", text);
#elif CASE == 3  // taken for a string
  return text;
#elif CASE == 4  // concatenated
  return "host: " + text;
#elif CASE == 5  // viewed
  std::string_view view = text;
  return std::string(view);
#elif CASE == 6  // logged
  metsuke::Log(metsuke::Priority::kInfo, text);
#elif CASE == 7  // text that skips the choice of the type
  const metsuke::HostText host = std::string("bytes");
  return host.raw();
#elif CASE == 8  // a literal of the program taken for a host's text
  return metsuke::enc::Tty(metsuke::HostText("bytes"));
#elif CASE == 9  // a plain string encoded as if it were known whose it is
  return metsuke::enc::Tty(std::string("bytes"));
#else
#error no such case
#endif
  return "";
}
