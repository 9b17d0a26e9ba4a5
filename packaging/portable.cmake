# An agent that needs nothing but glibc, for hosts that Debian's packages are not
# for: `ninja -C build portable` makes
# build/packages/metsuke-agent-VERSION-linux-x86_64.tar.gz. The objects are those
# of the packages' programs; only the link is another.

set(portable ${PROJECT_BINARY_DIR}/portable)
pkg_check_modules(portable REQUIRED QUIET grpc++ protobuf libcares re2 openssl yaml-cpp libutf8proc audit auparse libcap
                  libcrypt libzstd sqlite3 zlib libssh)
set(portable_archives ${portable_STATIC_LIBRARIES} boost_filesystem boost_atomic cap-ng lzma bz2)
list(REMOVE_ITEM portable_archives atomic dl m pthread rt) # glibc's and the compiler's
list(REMOVE_DUPLICATES portable_archives)
list(TRANSFORM portable_archives REPLACE "^(.+)$" "-l:lib\\1.a")

add_library(portable_common OBJECT EXCLUDE_FROM_ALL packaging/portable/fmt.cc packaging/portable/glibc.cc)

# metsuke_portable(PROGRAM LIBRARY… [STANDS_IN file…]): PROGRAM once more.
# STANDS_IN is what takes the place of libraries that Debian has no archive of.
function(metsuke_portable program)
  cmake_parse_arguments(A "" "" "STANDS_IN" ${ARGN})
  list(TRANSFORM A_STANDS_IN PREPEND packaging/portable/)
  add_executable(portable-${program} EXCLUDE_FROM_ALL
                 $<TARGET_OBJECTS:${program}> $<TARGET_OBJECTS:portable_common> ${A_STANDS_IN})
  set_target_properties(portable-${program} PROPERTIES LINKER_LANGUAGE CXX OUTPUT_NAME ${program}
                        RUNTIME_OUTPUT_DIRECTORY ${portable}/bin)
  list(TRANSFORM A_UNPARSED_ARGUMENTS REPLACE "^(.+)$" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE ours)
  target_link_options(portable-${program} PRIVATE -static-libstdc++ -static-libgcc -Wl,--as-needed -Wl,--gc-sections)
  target_link_libraries(portable-${program} PRIVATE -Wl,--start-group ${ours} ${portable_archives} -Wl,--end-group)
  add_dependencies(portable-${program} ${A_UNPARSED_ARGUMENTS})
endfunction()

metsuke_portable(metsuke-agent metsuke_agent metsuke_services metsuke_collectors metsuke_proto metsuke_messages)
metsuke_portable(metsuke-collect metsuke_collectors metsuke_proto metsuke_messages STANDS_IN imports.S loader.cc)
metsuke_portable(metsuke-probe metsuke_probe metsuke_collectors metsuke_proto metsuke_messages STANDS_IN gssapi.S)

# Units, manuals and configuration are those of the package, whose helper for
# apt stays behind: it is for hosts that the package is for.
add_custom_target(portable
  COMMAND packaging/portable/pack ${PROJECT_BINARY_DIR} ${PROJECT_VERSION} ${portable_archives}
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM COMMENT "Packing the agent that needs nothing but glibc"
  DEPENDS portable-metsuke-agent portable-metsuke-collect portable-metsuke-probe)
add_dependencies(portable programs package-files)
