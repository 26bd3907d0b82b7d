#include <sluice/prefix_tree.h>

#include "api/guard.h"
#include "api/objects.h"
#include "api/options.h"

using namespace sluice;

int32_t sluice_prefix_tree_create(sluice_model* model, uint64_t most_bytes, sluice_prefix_tree** tree,
                                  sluice_error* error) {
    if (tree != nullptr) *tree = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_CACHE, [&]() -> Done {
        SLUICE_TRY(check_pointer(model, "model"));
        SLUICE_TRY(check_pointer(tree, "tree"));
        if (most_bytes == 0) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "most_bytes is 0: a prefix tree needs room");
        }
        *tree = new sluice_prefix_tree{std::make_shared<PrefixTreeObject>(model->object, most_bytes)};
        return Nothing{};
    });
}

void sluice_prefix_tree_destroy(sluice_prefix_tree* tree) {
    delete tree;
}

int32_t sluice_prefix_tree_describe(const sluice_prefix_tree* tree, sluice_prefix_tree_info* info,
                                    sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_CACHE, [&]() -> Done {
        SLUICE_TRY(check_pointer(tree, "tree"));
        sluice_prefix_tree_info filled = {};
        filled.n_prefixes = tree->object->tree.n_prefixes();
        filled.size = tree->object->tree.size();
        filled.most_bytes = tree->object->tree.most_bytes();
        return write_info(info, filled, "info");
    });
}

int32_t sluice_session_share_prefixes(sluice_session* session, sluice_prefix_tree* tree, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_SESSION, [&]() -> Done {
        SLUICE_TRY(check_pointer(session, "session"));
        SessionObject& object = *session->object;
        const Turn turn(*object.cache);
        SLUICE_TRY(turn.check());
        if (tree != nullptr && tree->object->model != object.model) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "the prefix tree was made for another model");
        }
        object.prefixes = tree == nullptr ? nullptr : tree->object;
        object.session->share_prefixes(tree == nullptr ? nullptr : &object.prefixes->tree);
        return Nothing{};
    });
}
