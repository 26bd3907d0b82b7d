// The input: a byte that says regular expression or grammar, the choices of an answer up to a zero byte, then
// it.
#include "fuzz/constraint_target.h"

using namespace sluice_fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t zero = std::min(rest.find('\0'), rest.size());
    sluice::grammar::ConstraintSource source;
    source.kind = (data[0] & 1) != 0 ? sluice::grammar::ConstraintKind::kRegex
                                     : sluice::grammar::ConstraintKind::kGrammar;
    source.text = rest.substr(std::min(zero + 1, rest.size()));
    try_constraint(source, rest.substr(0, zero));
    return 0;
}
