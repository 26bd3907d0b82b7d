// The input: a byte of options, the choices of an answer up to a zero byte, then a JSON schema or a list of
// tools.
#include "fuzz/constraint_target.h"

using namespace sluice_fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t zero = std::min(rest.find('\0'), rest.size());
    sluice::grammar::ConstraintSource source;
    const unsigned options = data[0];
    if ((options & 1) != 0) source.kind = sluice::grammar::ConstraintKind::kTools;
    source.free_whitespace = (options & 2) != 0;
    source.open_objects = (options & 4) != 0;
    if ((options & 1) != 0) source.json_calls = (options & 8) != 0;
    if ((options & 1) != 0) source.one_call = (options & 16) != 0;
    source.text = rest.substr(std::min(zero + 1, rest.size()));
    try_constraint(source, rest.substr(0, zero));
    return 0;
}
