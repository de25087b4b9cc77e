# SPDX-License-Identifier: Apache-2.0
# libwattle: one shared and one static library out of the objects of the modules below the C API, and
# what an installation has of them. docs/adr/0012-c-api.md says what stays stable.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Collects the modules that `target` is made of, itself among them, and the libraries outside.
function(wattle_collect target)
  get_property(modules GLOBAL PROPERTY wattle_library_modules)
  if(target IN_LIST modules)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY wattle_library_modules ${target})
  get_target_property(libraries ${target} LINK_LIBRARIES)
  foreach(library IN LISTS libraries)
    if(library STREQUAL wattle_flags)
      continue()
    elseif(library MATCHES "^wattle_")
      wattle_collect(${library})
    else()
      set_property(GLOBAL APPEND PROPERTY wattle_library_externals ${library})
    endif()
  endforeach()
endfunction()

wattle_collect(wattle_c_api)
get_property(modules GLOBAL PROPERTY wattle_library_modules)
get_property(externals GLOBAL PROPERTY wattle_library_externals)
list(REMOVE_DUPLICATES externals)
list(REMOVE_ITEM externals nlohmann_json::nlohmann_json)  # headers alone

# Who links the static library needs these too, so wattleConfig.cmake.in and wattle.pc.in name them.
set(known_externals fmt::fmt PkgConfig::UTF8PROC PkgConfig::XXHASH Threads::Threads)
foreach(external IN LISTS externals)
  if(NOT external IN_LIST known_externals)
    message(FATAL_ERROR "libwattle uses ${external}: name it in cmake/wattleConfig.cmake.in, "
                        "cmake/wattle.pc.in and known_externals of cmake/WattleLibrary.cmake")
  endif()
endforeach()

set(objects "")
foreach(module IN LISTS modules)
  list(APPEND objects $<TARGET_OBJECTS:${module}>)
endforeach()

configure_file(${CMAKE_CURRENT_LIST_DIR}/libwattle.map.in ${PROJECT_BINARY_DIR}/libwattle.map @ONLY)
add_library(wattle_shared SHARED ${objects})
target_link_libraries(wattle_shared PRIVATE wattle_flags ${externals})
target_link_options(wattle_shared PRIVATE -Wl,--version-script=${PROJECT_BINARY_DIR}/libwattle.map)
set_target_properties(wattle_shared PROPERTIES
  LINK_DEPENDS ${PROJECT_BINARY_DIR}/libwattle.map
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}
  EXPORT_NAME wattle)

add_library(wattle_static STATIC ${objects})
target_link_libraries(wattle_static PRIVATE ${externals})
set_target_properties(wattle_static PROPERTIES EXPORT_NAME static)

foreach(library wattle_shared wattle_static)
  set_target_properties(${library} PROPERTIES OUTPUT_NAME wattle LINKER_LANGUAGE CXX
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR} ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  target_include_directories(${library} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()

# Three components, which are the three Debian packages: the program, the library that other programs
# load, and what is needed to build them.
set(cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wattle)
install(TARGETS wattle_shared EXPORT wattleTargets
  LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(TARGETS wattle_static EXPORT wattleStaticTargets ARCHIVE COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/wattle DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT development)
install(EXPORT wattleTargets NAMESPACE wattle:: DESTINATION ${cmake_dir} COMPONENT development)
install(EXPORT wattleStaticTargets NAMESPACE wattle:: DESTINATION ${cmake_dir}
  COMPONENT development)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/wattleConfig.cmake.in
  ${PROJECT_BINARY_DIR}/wattleConfig.cmake INSTALL_DESTINATION ${cmake_dir}
  NO_SET_AND_CHECK_MACRO)
# Within 0.x a minor version may change the C++ API.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/wattleConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/wattleConfig.cmake ${PROJECT_BINARY_DIR}/wattleConfigVersion.cmake
  DESTINATION ${cmake_dir} COMPONENT development)

# Relative to itself, so that an installation may be moved.
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_prefix /prefix/${pkgconfig_dir} /prefix)
configure_file(${CMAKE_CURRENT_LIST_DIR}/wattle.pc.in ${PROJECT_BINARY_DIR}/wattle.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/wattle.pc DESTINATION ${pkgconfig_dir} COMPONENT development)
