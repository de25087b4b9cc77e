// SPDX-License-Identifier: Apache-2.0
// The program `wattle`. Everything it can do is a command; commands.h lists them.
#include <string>
#include <vector>

#include "cli/program.h"

int main(int argc, char** argv) { return wattle::cli::run_program({argv + 1, argv + argc}); }
