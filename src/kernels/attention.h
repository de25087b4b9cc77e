// SPDX-License-Identifier: Apache-2.0
// The attention kernels of one kernel set, and the rows of the KV cache they read.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wattle::kernels {

// Element type of a cached row. q8_0 rows are BlockQ8_0 (quant/blocks.h); head_dim % 32 == 0 there.
enum class KvType : uint8_t { f32, f16, q8_0 };

// Cached entries of a page; the last page of a run may hold fewer.
inline constexpr size_t kAttentionPage = 64;

// One run of cached positions of one KV head against the query rows that share this head: an online
// softmax step. Call it run after run in order of position, starting from max = -inf, sum = 0,
// out = 0; at the end out / sum is the attention output.
//
// What a query row gets from a kernel does not depend on the other rows of the call nor on n_q, bit
// for bit; it does depend on where the pages are cut. K and V are read only inside the union [min
// first, max last) of the rows' ranges, and there they must be finite: an infinite or NaN value may
// spoil rows whose own range leaves it out.
struct AttentionRun {
  const float* q = nullptr;  // [n_q, head_dim_k], already multiplied by the score scale
  size_t q_stride = 0;       // floats between rows
  size_t n_q = 0;
  size_t head_dim_k = 0;
  size_t head_dim_v = 0;
  // Pages of [kAttentionPage, head_dim_k] of the kernel's K type, rows without gaps; V likewise.
  const std::byte* const* k = nullptr;
  const std::byte* const* v = nullptr;
  size_t n_kv = 0;
  // [n_q] each: query row i sees entries [first[i], last[i]) of this run; an empty range leaves the
  // row as it is.
  const uint32_t* first = nullptr;
  const uint32_t* last = nullptr;
  float* max = nullptr;  // [n_q]
  float* sum = nullptr;  // [n_q]
  float* out = nullptr;  // [n_q, head_dim_v], not normalised
  size_t out_stride = 0;
  float* scratch = nullptr;  // attention_scratch_floats(*this), 64-byte aligned, one per thread
};
using AttentionFn = void (*)(const AttentionRun&) noexcept;

// Enough for any of the attention kernels, for runs of up to n_q rows and n_kv entries.
size_t attention_scratch_floats(size_t n_q, size_t n_kv, size_t head_dim_k,
                                size_t head_dim_v) noexcept;

// Stores n floats as a cache row. Every kernel set gives the same bytes.
//   f16   nearest, ties to even; beyond +-65519 infinite
//   q8_0  n % 32 == 0; per block d = f16(max|x| / 127), q = x / d to nearest, ties to even. A block
//         with an infinity or a NaN, or too large for an f16 d, decodes to NaN: seen, not hidden.
using KvStoreFn = void (*)(const float* x, size_t n, std::byte* out) noexcept;

struct AttentionByType {
  AttentionFn fn[3][3];  // [K type][V type]
  AttentionFn of(KvType k, KvType v) const noexcept {
    return fn[static_cast<size_t>(k)][static_cast<size_t>(v)];
  }
};

struct AttentionKernels {
  KvStoreFn kv_store[3];  // by KvType
  AttentionByType attention;
};

// f64 inside; max, sum and out are rounded to f32 after each run. Also the `reference` set.
namespace scalar {
extern const AttentionKernels kAttention;
}
// One source, simd/attention.inl.h, compiled for each.
namespace avx2 {
extern const AttentionKernels kAttention;
}
namespace avx512 {
extern const AttentionKernels kAttention;
}
// For many query rows; x86/attention_avx512vnni.cpp says how it rounds.
namespace avx512vnni {
extern const AttentionByType kAttentionMany;
}
namespace neon {
extern const AttentionKernels kAttention;
}

}  // namespace wattle::kernels
