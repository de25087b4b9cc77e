// SPDX-License-Identifier: Apache-2.0
#include "runtime/npu_placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "backend/survey_device.h"
#include "model/activations.h"
#include "model/model.h"
#include "model/registry.h"
#include "model/side_work.h"

namespace wattle::runtime {
namespace {

std::optional<rknpu::Arithmetic> arithmetic_of(NpuArithmetic arithmetic) {
  switch (arithmetic) {
    case NpuArithmetic::by_matrix: return std::nullopt;
    case NpuArithmetic::w16a16: return rknpu::Arithmetic::w16a16;
    case NpuArithmetic::w8a8: return rknpu::Arithmetic::w8a8;
    case NpuArithmetic::w8a8_plain: return rknpu::Arithmetic::w8a8_plain;
    case NpuArithmetic::w4a8: return rknpu::Arithmetic::w4a8;
    case NpuArithmetic::w4a4: return rknpu::Arithmetic::w4a4;
    case NpuArithmetic::w4a4_plain: return rknpu::Arithmetic::w4a4_plain;
  }
  throw Error(ErrorCode::usage, "unknown arithmetic of the NPU");
}

rknpu::Objective objective_of(NpuObjective objective) {
  switch (objective) {
    case NpuObjective::speed: return rknpu::Objective::speed;
    case NpuObjective::energy: return rknpu::Objective::energy;
  }
  throw Error(ErrorCode::usage, "unknown objective of placement on the NPU");
}

rknpu::Cost rest_of(const Hparams& hparams, size_t n_rows, size_t first) {
  const SideWork work = side_work(hparams, n_rows, first);
  return rknpu::cpu_work(work.macs, work.bytes);
}

}  // namespace

void check_npu_params(const NpuParams& npu) {
  if (!(npu.max_watts >= 0) || std::isinf(npu.max_watts))
    throw Error(ErrorCode::usage,
                fmt::format("--watts is {}, expected more than 0", npu.max_watts));
  if (!(npu.max_divergence > 0))
    throw Error(ErrorCode::usage,
                fmt::format("--npu-kl is {}, expected more than 0", npu.max_divergence));
}

rknpu::BoardMemory memory_of_model(const gguf::File& file, const KvCacheParams& cache) {
  const Hparams hparams = read_hparams(file);
  return {.file = file.size_bytes(),
          .cache = KvLayout(kv_shape(hparams), cache).sequence_bytes(cache.n_ctx),
          .activations = activation_bytes(hparams, cache.n_batch)};
}

rknpu::PlacementPlan plan_npu(const gguf::File& file, EngineContext& context, const NpuParams& npu,
                              const ModelParams& of_model, const NpuRoom& room) {
  SurveyDevice survey;
  const auto model =
      load_model(file, survey, context, {.n_batch = 1, .precision = of_model.precision});
  rknpu::PlacementParams params{
      .max_bytes = npu.max_bytes != 0 ? npu.max_bytes : room.memory_bytes / 2,
      .memory_bytes = npu.max_bytes != 0 ? UINT64_MAX : room.memory_bytes,
      .outside = room.outside,
      .domain_bytes = room.domain_bytes,
      .objective = objective_of(npu.objective),
      .max_watts = npu.max_watts > 0 ? std::optional(npu.max_watts) : std::nullopt,
      .max_divergence = npu.max_divergence,
      .arithmetic = arithmetic_of(npu.arithmetic),
      .min_rows = npu.min_rows > 0 ? std::optional<size_t>(npu.min_rows) : std::nullopt};
  rknpu::Workload& workload = params.workload;
  const size_t n_batch = of_model.n_batch;
  workload.n_batch = n_batch;
  const Hparams& hparams = model->hparams();
  for (size_t done = 0; done < workload.n_prompt; done += n_batch)
    workload.rest_of_prompt += rest_of(hparams, std::min(n_batch, workload.n_prompt - done), done);
  workload.rest_of_token = rest_of(hparams, 1, workload.n_prompt + workload.n_answer / 2);
  workload.rest_of_step = rknpu::kAnswersAtOnce * workload.rest_of_token;
  return rknpu::plan_placement(survey.matrices(), params);
}

}  // namespace wattle::runtime
