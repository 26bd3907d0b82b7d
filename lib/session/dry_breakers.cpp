// Where text makes a new start: repeating the words around these is no loop. The characters are those of
// text-generation-webui pull request 5677.
#include "session/sampler.h"
#include "text/tokenizer.h"

namespace sluice {

std::vector<TokenId> default_dry_breakers(const Tokenizer& tokenizer) {
    std::vector<TokenId> breakers;
    for (std::size_t i = 0; i < tokenizer.size(); ++i) {
        const auto id = static_cast<TokenId>(i);
        if (tokenizer.bytes(id).find_first_of("\n\r:\"*") != std::string_view::npos) breakers.push_back(id);
    }
    return breakers;
}

}  // namespace sluice
