// SPDX-License-Identifier: Apache-2.0
#include "doctor/npu_node.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>

#include "doctor/users.h"

namespace wattle::doctor {
namespace {

// A buffer of the misc device is a file descriptor of its own. Weights lie in buffers of 32 MiB
// (weight_memory.cpp): a board of 32 GiB has room for a thousand, beside all other files.
constexpr int64_t kFilesForBuffers = 2048;

// "crw-rw---- root:video" without its first letter.
std::string permissions(const FileTree& tree, const FileTree::Node& node) {
  std::string text;
  for (const mode_t bit :
       {S_IRUSR, S_IWUSR, S_IXUSR, S_IRGRP, S_IWGRP, S_IXGRP, S_IROTH, S_IWOTH, S_IXOTH}) {
    text += (node.mode & bit) == 0 ? '-' : "rwx"[text.size() % 3];
  }
  return fmt::format("{} {}", text, group_name(tree, node.group));
}

std::string describe(const FileTree& tree, const NpuNode& node) {
  if (!node.node) return fmt::format("/{} (missing)", node.path);
  return fmt::format("/{} ({}{})", node.path, permissions(tree, *node.node),
                     node.node->usable ? "" : ", not for this user");
}

std::vector<std::string> ways_in(const FileTree& tree, const NpuNode& node) {
  constexpr mode_t kGroupMay = S_IRGRP | S_IWGRP;
  const std::string group = group_name(tree, node.node->group);
  const std::string user = user_name(tree);
  if ((node.node->mode & kGroupMay) == kGroupMay && group != "root") {
    if (!user.empty() && is_member(tree, group, user)) {
      return {
          fmt::format("log out and in again: this login is older than {}'s place in the group {}",
                      user, group)};
    }
    return {fmt::format("sudo usermod -aG {} {}", group, user.empty() ? "$USER" : user),
            "log out and in again"};
  }
  const std::string name = node.path.substr(node.path.rfind('/') + 1);
  return {fmt::format("echo 'KERNEL==\"{}\", GROUP=\"render\", MODE=\"0660\"' | sudo tee "
                      "/etc/udev/rules.d/60-npu.rules",
                      name),
          fmt::format("sudo usermod -aG render {}", user.empty() ? "$USER" : user),
          "sudo udevadm control --reload && sudo udevadm trigger", "log out and in again"};
}

}  // namespace

void examine_npu_nodes(const FileTree& tree, const NpuSurvey& survey, Findings& out) {
  Finding found{.id = "npu.node"};
  if (survey.nodes.empty()) {
    found.verdict = Verdict::problem;
    found.what = "the driver has made no device";
    found.why = "without one, no program can reach the NPU";
    found.mend = {"sudo dmesg | grep -iE 'npu|rocket'"};
    out.push_back(std::move(found));
    return;
  }
  for (const NpuNode& node : survey.nodes) {
    found.what += (found.what.empty() ? "" : ", ") + describe(tree, node);
  }
  const NpuNode& best = survey.nodes.front();
  const bool any = std::ranges::any_of(
      survey.nodes, [](const NpuNode& node) { return node.node && node.node->usable; });
  if (best.node && best.node->usable) {
    out.push_back(std::move(found));
    return;
  }
  found.verdict = any ? Verdict::warning : Verdict::problem;
  found.why = any ? fmt::format(
                        "jobs on the render node are reported to be taken and never run; "
                        "/{} is the one to open",
                        best.path)
                  : "this user cannot open the NPU";
  if (best.node) {
    found.mend = ways_in(tree, best);
  } else {
    found.mend = {fmt::format("in a container: --device /{}", best.path),
                  "elsewhere: sudo udevadm trigger"};
  }
  out.push_back(std::move(found));
}

void examine_file_limit(const FileTree& tree, const NpuSurvey& survey, Findings& out) {
  // "Max open files            1024                 1048576              files"
  constexpr std::string_view kKey = "Max open files";
  const std::string limits = tree.text("proc/self/limits").value_or("");
  const size_t at = limits.find(kKey);
  if (at == std::string::npos) return;
  const size_t begin = limits.find_first_not_of(' ', at + kKey.size());
  if (begin == std::string::npos) return;
  const std::string soft = limits.substr(begin, limits.find_first_of(" \n", begin) - begin);
  Finding found{.id = "limits.files", .what = fmt::format("a process may open {} files", soft)};
  const bool needs_many = !survey.nodes.empty() && survey.nodes.front().kind == NpuNodeKind::misc;
  const auto n_files = leading_number(soft);  // none of "unlimited"
  if (needs_many && n_files && *n_files < kFilesForBuffers) {
    found.verdict = Verdict::warning;
    found.why = "each buffer of /dev/rknpu takes one";
    found.mend = {"ulimit -n 65536", "for a service: LimitNOFILE=65536 in its unit"};
  }
  out.push_back(std::move(found));
}

}  // namespace wattle::doctor
