// Messages and tools from JSON that is not trusted, in the one form that templates expect.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace sluice {

// Budgets of reference/reliability.md, 3.3; and as many values as a hundred thousand messages have.
constexpr JsonLimits kChatJsonLimits = {16u << 20, 64, 2u << 20};

// What chat_template.h says of messages. Errors: CORRUPT, LIMIT, INVALID_ARGUMENT (naming the message).
Result<Json> read_messages(std::string_view text);

// An array of objects, or null where the text is empty or null. Errors: as above.
Result<Json> read_tools(std::string_view text);

// An object; an empty one where the text is empty. Errors: as above.
Result<Json> read_variables(std::string_view text);

}  // namespace sluice
