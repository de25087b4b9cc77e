// SPDX-License-Identifier: Apache-2.0
// The rows of a step that something is wanted of: of a prompt that is one, or none.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "model/blocks/rope.h"
#include "model/step.h"
#include "tensor/view.h"

namespace wattle {

// Once the last layer that has keys of its own has stored them, no other row is needed any more.
class OutputRows {
 public:
  explicit OutputRows(size_t n_batch);

  // Makes `step` a step of the rows named, ascending, which it numbers anew from 0, moves those of
  // each matrix to its front, cuts the view, and prepares the angles of those rows.
  void keep(Step& step, std::span<const uint32_t>& rows,
            std::initializer_list<MatView<float>*> matrices,
            std::initializer_list<Rope*> ropes) noexcept;

 private:
  std::vector<SeqId> seq_;
  std::vector<Pos> pos_;
  std::vector<uint32_t> numbers_;  // 0, 1, 2 ...
};

}  // namespace wattle
