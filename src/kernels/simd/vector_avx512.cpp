// SPDX-License-Identifier: Apache-2.0
// The element-wise and attention kernels for avx512. CMakeLists.txt sets the flags of this file.
#define WATTLE_SIMD avx512

#include "kernels/simd/vec_avx512.h"
// clang-format off: each builds on those before it
#include "kernels/simd/math.inl.h"
#include "kernels/simd/kv_rows.inl.h"
#include "kernels/simd/kv_entries.inl.h"
#include "kernels/simd/kv_store.inl.h"
#include "kernels/simd/elementwise.inl.h"
#include "kernels/simd/attention.inl.h"
