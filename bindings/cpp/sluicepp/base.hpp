// What the classes have in common: failures as exceptions, and calls of the C API with what they fill.
#pragma once

#include <sluice/sluice.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>

namespace sluicepp {

using TokenId = std::int32_t;

// What a failed call throws. Copying it allocates nothing.
class Exception : public std::exception {
public:
    explicit Exception(const sluice_error& error) noexcept : error_(error) {}

    // One English sentence that names the thing and the number.
    const char* what() const noexcept override { return error_.message; }
    // SLUICE_E_..., its name, the part of the library, and the place in the file or -1.
    std::int32_t status() const noexcept { return error_.status; }
    const char* status_name() const noexcept { return sluice_status_name(error_.status); }
    std::int32_t subsystem() const noexcept { return error_.subsystem; }
    std::int64_t file_offset() const noexcept { return error_.file_offset; }

private:
    sluice_error error_;
};

// A C struct with all fields zero and struct_size set: the default options, or room for a result.
template <class Struct>
Struct sized() noexcept {
    Struct value{};
    value.struct_size = static_cast<std::uint32_t>(sizeof value);
    return value;
}

namespace detail {

// Owns one C object.
template <class Object, void (*destroy)(Object*)>
class Owner {
public:
    Object* get() const noexcept { return object_.get(); }

protected:
    explicit Owner(Object* object) noexcept : object_(object) {}

private:
    struct Destroy {
        void operator()(Object* object) const noexcept { destroy(object); }
    };
    std::unique_ptr<Object, Destroy> object_;
};

}  // namespace detail

// The next four call a C function with the arguments given and those they add, and throw what went wrong; they
// serve also for functions that are not wrapped here.
template <class Call, class... Arguments>
void check(Call call, Arguments... arguments) {
    sluice_error error;
    if (call(arguments..., &error) < 0) throw Exception(error);
}

// The object that the function makes.
template <class Object, class Call, class... Arguments>
Object* made(Call call, Arguments... arguments) {
    Object* object = nullptr;
    check(call, arguments..., &object);
    return object;
}

// The struct that the function fills.
template <class Struct, class Call, class... Arguments>
Struct filled(Call call, Arguments... arguments) {
    Struct value = sized<Struct>();
    check(call, arguments..., &value);
    return value;
}

// The array that the function fills; room for guess elements is tried first.
template <class Array, class Call, class... Arguments>
Array collected(std::size_t guess, Call call, Arguments... arguments) {
    Array array(guess, typename Array::value_type{});
    std::uint64_t needed = 0;
    sluice_error error;
    std::int32_t status = call(arguments..., array.data(), array.size(), &needed, &error);
    if (status == SLUICE_E_BUFFER_TOO_SMALL || (status >= 0 && needed > array.size())) {
        array.resize(static_cast<std::size_t>(needed));
        status = call(arguments..., array.data(), array.size(), &needed, &error);
    }
    if (status < 0) throw Exception(error);
    array.resize(static_cast<std::size_t>(needed));
    return array;
}

}  // namespace sluicepp
