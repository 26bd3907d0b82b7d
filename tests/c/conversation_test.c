/* The whole way in C99, with nothing but the installed header: open, feed, next, close.
 * conversation_test MODEL returns 0 when every call did what its header says. */
#include <stdio.h>
#include <string.h>

#include <sluice/sluice.h>

static int n_failed = 0;

static void check(int holds, const char* what, const sluice_error* why) {
    if (holds) return;
    ++n_failed;
    fprintf(stderr, "%s: %s: %s\n", what, sluice_status_name(why->status), why->message);
}

static void check_tokenizer(sluice_model* model) {
    static const char text[] = "the rain in Spain\n\xC3\xA4 <|im_end|>";
    sluice_error why = {0};
    sluice_tokenizer* tokenizer = NULL;
    int32_t ids[64];
    char back[64];
    uint64_t n_ids = 0;
    uint64_t size = 0;

    check(sluice_tokenizer_of_model(model, &tokenizer, &why) == SLUICE_OK, "tokenizer_of_model", &why);
    check(sluice_tokenizer_encode(tokenizer, text, sizeof text - 1, 0, NULL, 0, &n_ids, &why) == SLUICE_OK,
          "encode, size alone", &why);
    check(n_ids > 0 && n_ids <= 64, "encode, size", &why);
    check(sluice_tokenizer_encode(tokenizer, text, sizeof text - 1, 0, ids, 64, &n_ids, &why) == SLUICE_OK,
          "encode", &why);
    check(sluice_tokenizer_decode(tokenizer, ids, n_ids, 0, back, sizeof back, &size, &why) == SLUICE_OK,
          "decode", &why);
    check(size == sizeof text - 1 && memcmp(back, text, sizeof text - 1) == 0, "decode gives the text", &why);
    sluice_tokenizer_destroy(tokenizer);
}

static void check_session(sluice_model* model, uint32_t vocabulary_size) {
    static const int32_t ids[3] = {20, 21, 22};
    sluice_error why = {0};
    sluice_session* session = NULL;
    sluice_event event;
    sluice_sampling sampling = {0};
    sluice_session_options options = {0};
    sluice_statistics statistics = {0};
    uint64_t needed = 0;
    uint64_t n_tokens = 0;

    sampling.struct_size = sizeof sampling;
    sampling.mode = SLUICE_SAMPLING_GREEDY;
    options.struct_size = sizeof options;
    options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
    options.max_tokens = 5;
    options.chunk_size = 2;
    options.sampling = &sampling;
    check(sluice_session_create(model, NULL, &options, &session, &why) == SLUICE_OK, "session_create", &why);
    check(sluice_session_feed(session, ids, 3, &why) == SLUICE_OK, "feed", &why);
    check(sluice_session_logits(session, NULL, 0, &needed, &why) == SLUICE_OK, "logits, size alone", &why);
    check(needed == vocabulary_size, "logits, size", &why);
    for (;;) {
        memset(&event, 0, sizeof event);
        event.struct_size = sizeof event;
        if (sluice_session_next(session, &event, &why) != SLUICE_OK) {
            check(0, "next", &why);
            break;
        }
        if (event.kind == SLUICE_EVENT_END) break;
        ++n_tokens;
    }
    check(n_tokens == 5 && event.n_tokens == 5, "next, five tokens", &why);
    check(event.reason == SLUICE_END_MAX_TOKENS, "next, the reason of END", &why);
    statistics.struct_size = sizeof statistics;
    check(sluice_session_statistics(session, &statistics, &why) == SLUICE_OK, "statistics", &why);
    check(statistics.prefill_tokens == 3 && statistics.position == 7, "statistics, counts", &why);
    sluice_session_destroy(session);
}

int main(int argc, char** argv) {
    sluice_error why = {0};
    sluice_engine* engine = NULL;
    sluice_model* model = NULL;
    sluice_model_info info = {0};

    if (argc != 2) return 2;
    if (sluice_abi_version() >> 16 != 0 || sluice_version()[0] == '\0') return 1;
    check(sluice_engine_create(NULL, &engine, &why) == SLUICE_OK, "engine_create", &why);
    check(sluice_model_open_path(engine, "no such file", 12, NULL, &model, &why) == SLUICE_E_NOT_FOUND &&
              model == NULL && why.message[0] != '\0',
          "model_open_path, no file", &why);
    check(sluice_model_open_path(engine, argv[1], strlen(argv[1]), NULL, &model, &why) == SLUICE_OK,
          "model_open_path", &why);
    sluice_engine_destroy(engine);
    if (model == NULL) return 1;
    info.struct_size = sizeof info;
    check(sluice_model_describe(model, &info, &why) == SLUICE_OK, "model_describe", &why);
    check(strcmp(info.architecture, "lfm2moe") == 0 && info.n_layers > 0, "model_describe, fields", &why);
    check_tokenizer(model);
    check_session(model, info.vocabulary_size);
    sluice_model_close(model);
    return n_failed == 0 ? 0 : 1;
}
