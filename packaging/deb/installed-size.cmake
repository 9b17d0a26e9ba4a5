# States in each deb what it takes on a disk, as dpkg-gencontrol(1) counts. CPack
# counts what a symbolic link leads to once more.
foreach(package ${CPACK_PACKAGE_FILES})
  if(package MATCHES "\\.deb$")
    execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/installed-size ${package} COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()
