/* Writes the random model that the other C programs open: random_model_writer PATH. */
#include <stdio.h>
#include <string.h>

#include <sluice/experimental.h>

int main(int argc, char** argv) {
    sluice_error why;
    if (argc != 2) return 2;
    if (sluice_random_model_write(argv[1], strlen(argv[1]), "tiny", 4, 11, &why) == SLUICE_OK) return 0;
    fprintf(stderr, "%s: %s\n", sluice_status_name(why.status), why.message);
    return 1;
}
