// Finding a text in a text in time linear in both, whatever they are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::jinja {

// The first place at or after `from`; npos if there is none.
std::size_t find_text(std::string_view text, std::string_view wanted, std::size_t from = 0);
// The last place that ends at or before `end`.
std::size_t find_last_text(std::string_view text, std::string_view wanted);

}  // namespace sluice::jinja
