// A user pointer that a caller handed over with its destroy function: told exactly once that it is not needed.
#pragma once

#include <utility>

#include <sluice/engine.h>

namespace sluice {

// Taking it over allocates nothing, so that it has an owner before anything can fail.
class UserPointer {
public:
    UserPointer(void* user, sluice_destroy_fn destroy) : user_(user), destroy_(destroy) {}
    UserPointer(UserPointer&& other) noexcept
        : user_(other.user_), destroy_(std::exchange(other.destroy_, nullptr)) {}
    UserPointer& operator=(UserPointer&&) = delete;
    ~UserPointer() {
        if (destroy_ != nullptr) destroy_(user_);
    }

private:
    void* user_;
    sluice_destroy_fn destroy_;
};

}  // namespace sluice
