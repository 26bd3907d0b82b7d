/* You will be able to continue a text with a model: hello MODEL [TEXT] */
#include <sluice/sluice.h>
#include <stdio.h>
#include <string.h>

static int complain(const sluice_error* why) {
    fprintf(stderr, "%s: %s\n", sluice_status_name(why->status), why->message);
    return 1;
}

int main(int argc, char** argv) {
    const char* path = argc > 1 ? argv[1] : "model.gguf";
    const char* text = argc > 2 ? argv[2] : "The sea is";
    sluice_engine* engine = NULL;
    sluice_model* model = NULL;
    sluice_session* session = NULL;
    sluice_session_options options = {.struct_size = sizeof options, .max_tokens = 40};
    sluice_event event = {.struct_size = sizeof event};
    sluice_error why;

    int failed = sluice_engine_create(NULL, &engine, &why) < 0 ||
                 sluice_model_open_path(engine, path, strlen(path), NULL, &model, &why) < 0 ||
                 sluice_session_create(model, NULL, &options, &session, &why) < 0 ||
                 sluice_session_feed_text(session, text, strlen(text), SLUICE_ENCODE_BOS, &why) < 0;

    while (!failed && event.kind != SLUICE_EVENT_END) {
        failed = sluice_session_next(session, &event, &why) < 0;
        if (!failed && event.kind == SLUICE_EVENT_TEXT) {
            fwrite(event.text, 1, (size_t)event.text_size, stdout);
            fflush(stdout);
        }
    }
    putchar('\n');

    sluice_session_destroy(session); /* NULL is fine for all three, and so is any order */
    sluice_model_close(model);
    sluice_engine_destroy(engine);
    return failed ? complain(&why) : 0;
}
