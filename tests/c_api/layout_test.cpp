// SPDX-License-Identifier: Apache-2.0
// The layouts that programs were compiled with. A number here only changes by growing, and then its
// old value becomes kFirstSize of src/c_api/sized.h; a struct without `size` never changes.
#include <gtest/gtest.h>

#include <cstddef>

#include "wattle/wattle.h"

namespace {

TEST(CApiLayout, IsTheOneThatProgramsKnow) {
  if (sizeof(void*) != 8) GTEST_SKIP() << "the numbers are those of 64 bits";
  EXPECT_EQ(sizeof(wattle_sampling_params), 128u);
  EXPECT_EQ(offsetof(wattle_sampling_params, dry_penalty_last_n), 68u);
  EXPECT_EQ(offsetof(wattle_sampling_params, json_schema), 120u);
  EXPECT_EQ(sizeof(wattle_engine_params), 120u);
  EXPECT_EQ(offsetof(wattle_engine_params, kv_v), 36u);
  EXPECT_EQ(offsetof(wattle_engine_params, user_data), 64u);
  EXPECT_EQ(offsetof(wattle_engine_params, npu), 72u);
  EXPECT_EQ(offsetof(wattle_engine_params, npu_max_bytes), 104u);
  EXPECT_EQ(offsetof(wattle_engine_params, precision), 112u);
  EXPECT_EQ(sizeof(wattle_npu_info), 80u);
  EXPECT_EQ(offsetof(wattle_npu_info, is_projection), 72u);
  EXPECT_EQ(offsetof(wattle_npu_info, n_streamed), 76u);
  EXPECT_EQ(sizeof(wattle_model_info), 64u);
  EXPECT_EQ(offsetof(wattle_model_info, size_bytes), 56u);
  EXPECT_EQ(sizeof(wattle_chat_request), 72u);
  EXPECT_EQ(offsetof(wattle_chat_request, n_keep), 68u);
  EXPECT_EQ(sizeof(wattle_completion_request), 56u);
  EXPECT_EQ(offsetof(wattle_completion_request, n_keep), 52u);
  EXPECT_EQ(sizeof(wattle_answer_info), 64u);
  EXPECT_EQ(offsetof(wattle_answer_info, generation_ms), 56u);
  EXPECT_EQ(sizeof(wattle_tool_call), 24u);
  EXPECT_EQ(sizeof(wattle_message), 56u);
}

}  // namespace
