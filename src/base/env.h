// SPDX-License-Identifier: Apache-2.0
// Every environment variable that wattle reads, in one place; `wattle --help` prints this table.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wattle::env {

struct Variable {
  const char* name;
  const char* meaning;  // one line for --help
};

inline constexpr Variable kIsa{
    "WATTLE_ISA",
    "force a kernel set: reference, scalar, avx2, avx512, avx512vnni, avx512bf16, neon, i8mm"};
inline constexpr Variable kModels{
    "WATTLE_MODELS", "folders of models, with ':' between (default $XDG_DATA_HOME/wattle/models)"};
inline constexpr Variable kConfig{
    "WATTLE_CONFIG", "configuration file (default $XDG_CONFIG_HOME/wattle/config.toml)"};
inline constexpr Variable kFlag{"WATTLE_<FLAG>",
                                "default of a flag: WATTLE_THREADS=4 stands for --threads 4"};
inline constexpr Variable kXdgConfigHome{"XDG_CONFIG_HOME",
                                         "where configuration lies (default ~/.config)"};
inline constexpr Variable kHfToken{"HF_TOKEN", "token of an account, for `pull` from the hub"};
inline constexpr Variable kHfEndpoint{"HF_ENDPOINT",
                                      "which hub `pull` asks (default https://huggingface.co)"};
// Read by libcurl.
inline constexpr Variable kHttpsProxy{"HTTPS_PROXY",
                                      "proxy of `pull`; NO_PROXY lists hosts without one"};
inline constexpr Variable kSslCertFile{
    "SSL_CERT_FILE", "certificates that `pull` trusts instead of the system's (PEM)"};
inline constexpr Variable kHfHubCache{"HF_HUB_CACHE",
                                      "cache of the hub's client (default $HF_HOME/hub)"};
inline constexpr Variable kHfHome{"HF_HOME",
                                  "home of that client (default $XDG_CACHE_HOME/huggingface)"};
inline constexpr Variable kXdgDataHome{"XDG_DATA_HOME",
                                       "where data of programs lies (default ~/.local/share)"};
inline constexpr Variable kXdgStateHome{
    "XDG_STATE_HOME", "where the history of `chat` lies (default ~/.local/state)"};
inline constexpr Variable kXdgCacheHome{"XDG_CACHE_HOME",
                                        "where caches of programs lie (default ~/.cache)"};
inline constexpr Variable kHome{"HOME", "what ~ stands for"};
inline constexpr Variable kNoColor{"NO_COLOR", "set: no colours on a terminal"};
inline constexpr Variable kTerm{"TERM", "\"dumb\" or unset: no colours"};

std::span<const Variable> all() noexcept;

// The value, or nothing where the variable is unset or empty.
std::optional<std::string> get(const Variable& variable);

// The variable that stands for a flag: "WATTLE_CTX_SIZE" of "ctx-size"; and its value, as above.
std::string flag_variable(std::string_view long_name);
std::optional<std::string> get_flag(std::string_view long_name);

}  // namespace wattle::env
