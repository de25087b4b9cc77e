// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/engine_core.h"
#include "wattle/engine.h"

namespace wattle {

struct Engine::Impl {
  explicit Impl(const EngineParams& params) : core(params) {}
  runtime::EngineCore core;
};

}  // namespace wattle
