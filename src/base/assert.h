// SPDX-License-Identifier: Apache-2.0
// WATTLE_ASSERT: for our own bugs only, never for bytes from outside. On in debug and fuzz builds.
#pragma once

#if defined(WATTLE_ENABLE_ASSERTS)
#include <cstdio>
#include <cstdlib>
#define WATTLE_ASSERT(cond)                                                             \
  do {                                                                                  \
    if (!(cond)) {                                                                      \
      std::fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #cond); \
      std::abort();                                                                     \
    }                                                                                   \
  } while (false)
#else
#define WATTLE_ASSERT(cond) static_cast<void>(0)
#endif
