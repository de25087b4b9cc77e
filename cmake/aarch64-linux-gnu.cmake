# SPDX-License-Identifier: Apache-2.0
# Cross compilation to 64-bit ARM with Debian's compiler and its arm64 libraries, tests under qemu.
# The packages are in tools/dev/packages.sh.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

# Debian keeps the libraries of each architecture side by side: look in this one's folders only.
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)

# The processor is chosen by the environment (QEMU_CPU), so that one build runs on several.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static)
