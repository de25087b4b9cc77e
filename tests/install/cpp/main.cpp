// SPDX-License-Identifier: Apache-2.0
#include <wattle/engine.h>

#include <iostream>

int main(int argc, char** argv) {
  try {
    wattle::Engine engine({.model = argc > 1 ? argv[1] : "model.gguf"});
    const auto session = engine.new_session();
    const auto print = [](const wattle::Delta& delta) {
      if (delta.kind == wattle::Delta::Kind::text) std::cout << delta.text << std::flush;
    };

    wattle::Answer answer;
    if (engine.model().has_chat_template) {
      answer = session->chat({.messages = {{.role = "user", .content = "Why is the sky blue?"}},
                              .sampling = engine.recommended_sampling(),
                              .n_predict = 32},
                             print);
    } else {
      answer = session->complete({.prompt = "Once upon a time",
                                  .sampling = engine.recommended_sampling(),
                                  .n_predict = 32},
                                 print);
    }
    std::cout << '\n';
    std::cerr << answer.timings.n_generated << " tokens\n";
  } catch (const wattle::Error& error) {
    std::cerr << "error: " << error.what() << "\n  hint: " << error.hint() << '\n';
    return 1;
  }
}
