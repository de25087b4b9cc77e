# SPDX-License-Identifier: Apache-2.0
# Debian packages, one for each component of the installation. `./dev package` makes them; the presets
# `package` and `package-arm64` turn this on. What they depend on is read from the binaries.

include(GNUInstallDirs)

set(packages wattle libwattle${PROJECT_VERSION_MAJOR} libwattle-dev)
set(components program library development)
foreach(package component IN ZIP_LISTS packages components)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package}
    RENAME copyright COMPONENT ${component})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME wattle)
set(CPACK_PACKAGE_VENDOR "The wattle authors")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The wattle authors")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL ${components})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_STRICT_PERMISSIONS ON)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE amd64)
endif()
# dpkg-shlibdeps asks the environment for whom the binaries are.
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/package_architecture.cmake)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME wattle)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "libwattle-dev")
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
  "runs large language models on small machines\nOne program: a GGUF file in, text out, on the CPU. It brings a tiny model along, so that\n`wattle run -m stories` works without a network.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libwattle${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
  "runs large language models on small machines (library)\nThe engine of wattle for other programs.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libwattle-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "libwattle${PROJECT_VERSION_MAJOR} (= ${PROJECT_VERSION})")
# Only who links the static library needs these.
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS
  "libfmt-dev, libutf8proc-dev, libxxhash-dev, pkgconf")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
  "runs large language models on small machines (development)\nHeaders for C and C++, the static library, and what CMake and pkg-config need.")

include(CPack)
