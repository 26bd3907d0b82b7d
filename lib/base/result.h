// Result<T>: a value or an Error. The only way that failure travels inside the library.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include <sluice/base.h>

namespace sluice {

// What went wrong, in one sentence that names the thing and the number. subsystem 0 is filled in by the
// layer that reports it to the caller.
struct Error {
    std::int32_t status = SLUICE_E_INTERNAL;
    std::string message;
    std::int64_t file_offset = -1;
    std::int32_t subsystem = 0;
};

struct Nothing {};

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return content_.index() == 0; }
    bool ok() const { return content_.index() == 0; }

    // Requires ok().
    T& value() & { return *std::get_if<0>(&content_); }
    const T& value() const& { return *std::get_if<0>(&content_); }
    T&& value() && { return std::move(*std::get_if<0>(&content_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    // Requires !ok().
    Error& error() & { return *std::get_if<1>(&content_); }
    const Error& error() const& { return *std::get_if<1>(&content_); }
    Error&& error() && { return std::move(*std::get_if<1>(&content_)); }

private:
    std::variant<T, Error> content_;
};

// Success without a value: `return Nothing{};`
using Done = Result<Nothing>;

}  // namespace sluice

// Returns the error of a Result that failed from the enclosing function.
#define SLUICE_TRY(expression)                                               \
    do {                                                                     \
        auto sluice_try_result = (expression);                               \
        if (!sluice_try_result) return std::move(sluice_try_result).error(); \
    } while (false)

// Declares `name` with the value of a Result, or returns its error from the enclosing function.
#define SLUICE_ASSIGN(name, expression)                          \
    auto name##_result = (expression);                           \
    if (!name##_result) return std::move(name##_result).error(); \
    auto& name = *name##_result
