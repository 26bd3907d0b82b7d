// Beginnings that sessions of a model share.
#pragma once

#include <sluice/sluice.h>

#include <cstdint>

#include "base.hpp"
#include "model.hpp"
#include "session.hpp"

namespace sluicepp {

// Within most_bytes, the beginnings of prompts that sessions left here. Any thread.
class PrefixTree : public detail::Owner<sluice_prefix_tree, sluice_prefix_tree_destroy> {
public:
    // Throws as sluice_prefix_tree_create.
    PrefixTree(const Model& model, std::uint64_t most_bytes)
        : Owner(made<sluice_prefix_tree>(sluice_prefix_tree_create, model.get(), most_bytes)) {}

    sluice_prefix_tree_info describe() const {
        return filled<sluice_prefix_tree_info>(sluice_prefix_tree_describe, get());
    }

    // The session's prompts take from here and leave here, from now on. The tree may end before the session.
    void share_with(Session& session) const { check(sluice_session_share_prefixes, session.get(), get()); }
};

}  // namespace sluicepp
