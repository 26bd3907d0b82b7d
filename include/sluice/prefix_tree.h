/* The prefix tree: beginnings that many conversations of a model share, as a system prompt and its tools,
 * computed once. Sessions that share a tree take from it what it has of their prompts, and leave the
 * beginnings of theirs. Pages of memory are shared, not copied. Any thread. */
#ifndef SLUICE_PREFIX_TREE_H
#define SLUICE_PREFIX_TREE_H

#include <sluice/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sluice_prefix_tree sluice_prefix_tree;

/* Makes an empty tree. Beginnings used longest ago go when they take more than most_bytes together, which
 * must be above 0; those of the 8B take 3 MiB for 256 tokens in float16.
 * Errors: SLUICE_E_INVALID_ARGUMENT, SLUICE_E_OUT_OF_MEMORY. */
SLUICE_API int32_t sluice_prefix_tree_create(sluice_model *model, uint64_t most_bytes,
                                             sluice_prefix_tree **tree, sluice_error *error);

/* Lets go of a tree; it ends with the last session that shares it. */
SLUICE_API void sluice_prefix_tree_destroy(sluice_prefix_tree *tree);

typedef struct sluice_prefix_tree_info {
    uint32_t struct_size;
    uint32_t reserved0;
    uint64_t n_prefixes;
    uint64_t size;       /* bytes taken now; pages that prefixes share count once */
    uint64_t most_bytes;
    uint64_t reserved[3];
} sluice_prefix_tree_info;

/* Fills *info. Errors: SLUICE_E_INVALID_ARGUMENT. */
SLUICE_API int32_t sluice_prefix_tree_describe(const sluice_prefix_tree *tree,
                                               sluice_prefix_tree_info *info, sluice_error *error);

/* From now on each sluice_session_prompt begins with the longest beginning that the session's cache or the
 * tree has, and leaves in the tree its first message, and all messages but the last; of a prompt without
 * messages, the whole. tree NULL: no more. Logits do not depend on it, bit for bit.
 * Errors: SLUICE_E_INVALID_ARGUMENT (a tree of another model), SLUICE_E_BUSY. */
SLUICE_API int32_t sluice_session_share_prefixes(sluice_session *session, sluice_prefix_tree *tree,
                                                 sluice_error *error);

#ifdef __cplusplus
}
#endif

#endif
