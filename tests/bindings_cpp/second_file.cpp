// A second user of the header in one program: fails to link if the header defines anything twice.
#include <sluice/sluice.hpp>

std::size_t n_tokens_of_second_file(const sluicepp::Tokenizer& tokenizer, std::string_view text) {
    return tokenizer.encode(text).size();
}
