// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

namespace wattle::cli {
namespace {

constexpr AddCommand kCommands[] = {
    add_run,      add_chat,     add_embed,  add_list,  add_pull,       add_rm,
    add_show,     add_info,     add_doctor, add_bench, add_perplexity, add_synth,
    add_tokenize, add_template, add_logits, add_npu,   add_man,        add_completion,
};

}  // namespace

std::span<const AddCommand> all_commands() noexcept { return kCommands; }

}  // namespace wattle::cli
