// SPDX-License-Identifier: Apache-2.0
// What the shared library shows to its users. Everything else in it is compiled as hidden.
#pragma once

#define WATTLE_API __attribute__((visibility("default")))
