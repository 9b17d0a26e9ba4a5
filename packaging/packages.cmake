# Packages: `ninja -C build packages` makes the programs and then the packages;
# `package`, CPack's own target, makes all there is first. They lie in
# build/packages. -DMETSUKE_PACKAGES=RPM makes rpms in place of debs; an rpm that
# was made on Debian shows the structure and is not for other systems.

set(METSUKE_PACKAGES DEB CACHE STRING "Kind of packages: DEB or RPM")
set(METSUKE_PACKAGING ${PROJECT_SOURCE_DIR}/packaging)
set(made ${PROJECT_BINARY_DIR}/packaging)
if(CMAKE_INSTALL_PREFIX_INITIALIZED_TO_DEFAULT)
  set(CMAKE_INSTALL_PREFIX /usr CACHE PATH "Where it is installed" FORCE)
endif()
file(MAKE_DIRECTORY ${made}/man ${made}/completion ${made}/sbin)
find_program(SCDOC scdoc)

# A file of `packaging` or of the build, compressed as Debian wants it.
function(compressed input output)
  add_custom_command(OUTPUT ${output} DEPENDS ${input} COMMAND sh -c "gzip -9n <'${input}' >'${output}'" VERBATIM)
endfunction()

# metsuke_man(COMPONENT PAGE…): manual pages, each packaging/man/PAGE.scd.
function(metsuke_man component)
  foreach(page ${ARGN})
    string(REGEX REPLACE "^.*\\." "" section ${page})
    set(output ${made}/man/${page}.gz)
    add_custom_command(
      OUTPUT ${output} DEPENDS ${METSUKE_PACKAGING}/man/${page}.scd
      COMMAND sh -c "'${SCDOC}' <'${METSUKE_PACKAGING}/man/${page}.scd' >'${made}/man/${page}' && gzip -9nf '${made}/man/${page}'"
      VERBATIM)
    set_property(GLOBAL APPEND PROPERTY metsuke_made ${output})
    install(FILES ${output} DESTINATION share/man/man${section} COMPONENT ${component})
  endforeach()
endfunction()

# metsuke_package(COMPONENT NAME [ENABLED unit…] [RESTARTED unit…]
#   [STATE folder…] [CONFIGURATION file…]): copyright, changelog, maintainer
# scripts and what else a package has whatever it holds.
function(metsuke_package component name)
  cmake_parse_arguments(A "" "" "ENABLED;RESTARTED;STATE;CONFIGURATION" ${ARGN})
  string(TOUPPER ${component} COMPONENT)
  set(CPACK_DEBIAN_${COMPONENT}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_RPM_${COMPONENT}_PACKAGE_NAME ${name} PARENT_SCOPE)
  install(FILES ${METSUKE_PACKAGING}/deb/copyright DESTINATION share/doc/${name} COMPONENT ${component})
  install(FILES ${made}/changelog.gz DESTINATION share/doc/${name} RENAME changelog.Debian.gz COMPONENT ${component})
  install(FILES ${METSUKE_PACKAGING}/deb/${name}.lintian-overrides DESTINATION share/lintian/overrides
          RENAME ${name} COMPONENT ${component})
  if(NOT A_ENABLED)
    return()
  endif()
  set(PACKAGE ${name})
  set(A_STOPPED ${A_ENABLED} ${A_RESTARTED})
  list(REMOVE_DUPLICATES A_STOPPED)
  foreach(list ENABLED RESTARTED STOPPED)
    list(JOIN A_${list} " " ${list}_UNITS)
  endforeach()
  list(JOIN A_STATE " " STATE_FOLDERS)
  set(control "")
  foreach(script postinst prerm postrm)
    configure_file(${METSUKE_PACKAGING}/deb/${script}.in ${made}/${name}/${script} @ONLY
                   FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
    list(APPEND control ${made}/${name}/${script})
  endforeach()
  list(TRANSFORM A_CONFIGURATION PREPEND "/etc/metsuke/" OUTPUT_VARIABLE conffiles)
  list(JOIN conffiles "\n" conffiles)
  file(WRITE ${made}/${name}/conffiles "${conffiles}\n")
  set(CPACK_DEBIAN_${COMPONENT}_PACKAGE_CONTROL_EXTRA "${control};${made}/${name}/conffiles" PARENT_SCOPE)
  foreach(file ${A_CONFIGURATION})
    install(FILES ${METSUKE_PACKAGING}/etc/${file} DESTINATION /etc/metsuke COMPONENT ${component})
    list(APPEND rpm_config "%config(noreplace) /etc/metsuke/${file}")
  endforeach()
  set(CPACK_RPM_${COMPONENT}_USER_FILELIST ${rpm_config} PARENT_SCOPE)
  install(FILES ${METSUKE_PACKAGING}/systemd/${name}.sysusers DESTINATION lib/sysusers.d RENAME ${name}.conf COMPONENT ${component})
  install(FILES ${METSUKE_PACKAGING}/systemd/${name}.tmpfiles DESTINATION lib/tmpfiles.d RENAME ${name}.conf COMPONENT ${component})
  # A trigger of systemd's takes them into the journal's catalogue.
  install(FILES ${METSUKE_PACKAGING}/catalog/${name}.catalog ${METSUKE_PACKAGING}/catalog/${name}.ja.catalog
          DESTINATION lib/systemd/catalog COMPONENT ${component})
endfunction()

# metsuke_daemons(COMPONENT FOLDER LINKED program… [INNER program…]): programs
# that units start, in a folder of libexec, and what these run; those that people
# call, too, have a link where they look.
function(metsuke_daemons component folder)
  cmake_parse_arguments(A "" "" "LINKED;INNER" ${ARGN})
  install(TARGETS ${A_LINKED} ${A_INNER} RUNTIME DESTINATION libexec/${folder} COMPONENT ${component})
  foreach(program ${A_LINKED})
    file(CREATE_LINK ../libexec/${folder}/${program} ${made}/sbin/${program} SYMBOLIC)
    install(FILES ${made}/sbin/${program} DESTINATION sbin COMPONENT ${component})
  endforeach()
endfunction()

compressed(${METSUKE_PACKAGING}/deb/changelog ${made}/changelog.gz)
set_property(GLOBAL APPEND PROPERTY metsuke_made ${made}/changelog.gz)
set(units DESTINATION lib/systemd/system)

# metsuke-agent
metsuke_daemons(agent metsuke LINKED metsuke-agent metsuke-collect INNER metsuke-probe metsuke-apt)
install(FILES packaging/systemd/metsuke-agent.service packaging/systemd/metsuke-collect.service
              packaging/systemd/metsuke-collect.socket ${units} COMPONENT agent)
metsuke_package(agent metsuke-agent
  ENABLED metsuke-collect.socket metsuke-agent.service
  RESTARTED metsuke-collect.service metsuke-agent.service
  STATE /var/lib/metsuke-agent /run/metsuke-collect
  CONFIGURATION agent.yaml collect.yaml)
metsuke_man(agent metsuke-agent.8 metsuke-collect.8 metsuke-agent.yaml.5)

# metsuke-controller
# It knocks with a metsuke-probe of its own version, whether or not an agent, which
# has one too, is on the machine; so its programs have a folder of their own.
metsuke_daemons(controller metsuke-controller LINKED metsuke-controller metsuke-ca metsuke-enrol INNER metsuke-probe)
install(PROGRAMS packaging/metsuke-controller-setup DESTINATION sbin COMPONENT controller)
install(DIRECTORY playbooks/baseline DESTINATION share/metsuke COMPONENT controller FILES_MATCHING PATTERN *.yaml)
install(FILES packaging/contrib/metsuke.rules.yml DESTINATION share/doc/metsuke-controller/examples COMPONENT controller)
# A copy of what is built in, for templates of one's own to begin with.
install(FILES controller/page/page.mustache DESTINATION share/metsuke COMPONENT controller)
install(FILES packaging/systemd/metsuke-controller.service packaging/systemd/metsuke-ca.service
              packaging/systemd/metsuke-enrol.service ${units} COMPONENT controller)
metsuke_package(controller metsuke-controller
  ENABLED metsuke-ca.service metsuke-controller.service metsuke-enrol.service
  RESTARTED metsuke-ca.service metsuke-controller.service metsuke-enrol.service
  STATE /var/lib/metsuke-controller /var/lib/metsuke-ca /var/lib/metsuke-enrol
  CONFIGURATION controller.yaml delivery.yaml ca.yaml enrol.yaml)
metsuke_man(controller metsuke-controller.8 metsuke-controller-setup.8 metsuke-ca.8 metsuke-enrol.8
            metsuke-controller.yaml.5 metsuke-delivery.yaml.5 metsuke-baseline.5 metsuke-registers.5)

# metsukectl
install(TARGETS metsukectl RUNTIME DESTINATION bin COMPONENT ctl)
metsuke_package(ctl metsukectl)
metsuke_man(ctl metsukectl.1)
foreach(shell bash:metsukectl:bash-completion/completions zsh:_metsukectl:zsh/vendor-completions
              fish:metsukectl.fish:fish/vendor_completions.d)
  string(REPLACE ":" ";" shell ${shell})
  list(GET shell 0 name)
  list(GET shell 1 file)
  list(GET shell 2 folder)
  add_custom_command(OUTPUT ${made}/completion/${file} DEPENDS metsukectl
                     COMMAND sh -c "'$<TARGET_FILE:metsukectl>' completion ${name} >'${made}/completion/${file}'" VERBATIM)
  set_property(GLOBAL APPEND PROPERTY metsuke_made ${made}/completion/${file})
  install(FILES ${made}/completion/${file} DESTINATION share/${folder} COMPONENT ctl)
endforeach()

get_property(metsuke_made GLOBAL PROPERTY metsuke_made)
# With the rest when it can be made, so that `package` finds it.
if(SCDOC)
  add_custom_target(package-files ALL DEPENDS ${metsuke_made})
else()
  add_custom_target(package-files VERBATIM
    COMMAND ${CMAKE_COMMAND} -E echo "packages need scdoc: packaging/install.sh package && cmake --preset release" COMMAND false)
endif()
add_custom_target(packages COMMAND ${CMAKE_CPACK_COMMAND} USES_TERMINAL)
add_dependencies(packages programs package-files)

set(CPACK_GENERATOR ${METSUKE_PACKAGES})
set(CPACK_PACKAGE_NAME metsuke)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_VENDOR "Metsuke maintainers")
set(CPACK_PACKAGE_CONTACT "Metsuke maintainers <maintainers@metsuke.invalid>")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_COMPONENTS_ALL agent controller ctl)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SOURCE metsuke)
set(CPACK_POST_BUILD_SCRIPTS ${METSUKE_PACKAGING}/deb/installed-size.cmake)
set(CPACK_DEBIAN_AGENT_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_AGENT_PACKAGE_DEPENDS systemd)
set(CPACK_DEBIAN_CONTROLLER_PACKAGE_SECTION admin)
# Its setup knows what metsukectl of its own version says.
set(CPACK_DEBIAN_CONTROLLER_PACKAGE_DEPENDS "metsukectl (= ${PROJECT_VERSION}-1), openssl, systemd")
set(CPACK_DEBIAN_CTL_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_CTL_PACKAGE_SUGGESTS metsuke-agent)

set(CPACK_RPM_COMPONENT_INSTALL ON)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_RELEASE 1)
set(CPACK_RPM_PACKAGE_LICENSE "Apache-2.0 AND GPL-2.0-or-later")
set(CPACK_RPM_PACKAGE_AUTOREQPROV ON)
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
    /etc/metsuke /usr/sbin /usr/libexec /usr/lib/systemd /usr/lib/systemd/catalog /usr/lib/systemd/system /usr/lib/sysusers.d /usr/lib/tmpfiles.d
    /usr/share/lintian /usr/share/lintian/overrides /usr/share/bash-completion /usr/share/bash-completion/completions
    /usr/share/zsh /usr/share/zsh/vendor-completions /usr/share/fish /usr/share/fish/vendor_completions.d
    /usr/share/man /usr/share/man/man1 /usr/share/man/man5 /usr/share/man/man8)
set(CPACK_RPM_SPEC_MORE_DEFINE "%define _build_id_links none")

include(CPack)
cpack_add_component(agent DESCRIPTION
  "Reports a server to a Metsuke controller
Collects what decides whether this server is hardened and whether its logs
are kept, and reports it. What reads the server has no network, what has the
network has no privilege, neither is root, and no message makes it run or
change anything.")
cpack_add_component(controller DESCRIPTION
  "Holds a fleet of servers against a baseline
Keeps what the agents of a fleet report, judges it by a baseline, and answers
operators. With the authority that makes the fleet's certificates, and the door
for new servers. metsuke-controller-setup sets all of it up.")
cpack_add_component(ctl DESCRIPTION
  "Asks a Metsuke controller how the fleet stands
Shows which servers of a fleet fail which control, with evidence, what has
changed, who was there, and rows of SQL over all of them. It can judge the
server it runs on without a controller, too.")
