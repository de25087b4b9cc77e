# SPDX-License-Identifier: Apache-2.0
# Read by cpack before it makes a package.
set(ENV{DEB_HOST_ARCH} ${CPACK_DEBIAN_PACKAGE_ARCHITECTURE})
