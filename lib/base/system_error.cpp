// strerror_r comes in two forms; which one is the C library's choice.
#include "base/system_error.h"

#include <cstring>

namespace sluice {

std::string system_reason(int code) {
    char text[128] = "unknown error";
    // The POSIX variant fills text, the GNU one returns a pointer: both are right through this overload set.
    struct Text {
        static const char* of(int, const char* filled) { return filled; }
        static const char* of(const char* returned, const char*) { return returned; }
    };
    return Text::of(strerror_r(code, text, sizeof text), text);
}

}  // namespace sluice
