// SPDX-License-Identifier: Apache-2.0
#include "doctor/examine.h"

#include "doctor/heat.h"
#include "doctor/machine.h"
#include "doctor/npu.h"
#include "doctor/npu_node.h"
#include "doctor/processor.h"

namespace wattle::doctor {

Findings examine(const FileTree& tree, const Question& question) {
  Findings out;
  const Machine machine = identify(tree);
  const NpuSurvey survey = machine.soc == "rk3588" ? survey_npu(tree) : NpuSurvey{};
  examine_machine(machine, out);
  examine_kernel_set(question.cpu, question.isa, out);
  examine_processor(tree, out);
  examine_memory(tree, question.model, out);
  examine_npu(tree, machine, survey, out);
  examine_file_limit(tree, survey, out);
  examine_heat(tree, out);
  return out;
}

}  // namespace wattle::doctor
