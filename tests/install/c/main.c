/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <wattle/wattle.h>

static int32_t print(void* user_data, wattle_delta_kind kind, const char* text, size_t size) {
  (void)user_data;
  if (kind == WATTLE_DELTA_TEXT) fwrite(text, 1, size, stdout);
  return 0; /* anything else stops the answer */
}

int main(int argc, char** argv) {
  wattle_engine* engine = NULL;
  wattle_session* session = NULL;
  wattle_answer* answer = NULL;
  wattle_engine_params params;
  wattle_completion_request request;

  wattle_engine_params_init(&params, sizeof params);
  params.model = argc > 1 ? argv[1] : "model.gguf";
  wattle_completion_request_init(&request, sizeof request);
  request.prompt = "Once upon a time";
  request.n_predict = 32;

  if (wattle_engine_open(&params, &engine) != WATTLE_OK ||
      wattle_session_new(engine, &session) != WATTLE_OK ||
      wattle_session_complete(session, &request, print, NULL, &answer) != WATTLE_OK) {
    fprintf(stderr, "error: %s\n  hint: %s\n", wattle_last_error_message(),
            wattle_last_error_hint());
  }
  int failed = answer == NULL;
  wattle_answer_free(answer); /* null is fine */
  wattle_session_free(session);
  wattle_engine_free(engine);
  return failed;
}
