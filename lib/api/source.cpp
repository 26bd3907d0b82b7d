#include "api/source.h"

#include "api/options.h"
#include "base/checked.h"

namespace sluice {
namespace {

Result<GivenSource> open_given(const sluice_source& source, Access access, std::shared_ptr<void> read_at_user) {
    SLUICE_TRY(check_reserved("source", source.reserved0, source.reserved, source.reserved_pointer));
    const auto size = checked_cast<std::size_t>(source.size);
    if (!size)
        return make_error(SLUICE_E_INVALID_ARGUMENT, "source.size is ", source.size,
                          ", more than memory can hold");
    GivenSource result;
    switch (source.kind) {
        case SLUICE_SOURCE_PATH: {
            SLUICE_TRY(check_pointer(source.path, "source.path"));
            result.path.assign(source.path, *size);
            if (result.path.empty()) return make_error(SLUICE_E_INVALID_ARGUMENT, "source.path is empty");
            return result;
        }
        case SLUICE_SOURCE_DESCRIPTOR: {
            SLUICE_ASSIGN(opened,
                          Source::open_descriptor(source.descriptor, source.offset, source.size, access));
            result.source = std::move(opened);
            return result;
        }
        case SLUICE_SOURCE_MEMORY: {
            if (*size > 0) SLUICE_TRY(check_pointer(source.memory, "source.memory"));
            result.source = Source::from_memory({static_cast<const std::byte*>(source.memory), *size});
            return result;
        }
        case SLUICE_SOURCE_CALLBACK: {
            if (source.read_at == nullptr)
                return make_error(SLUICE_E_INVALID_ARGUMENT, "source.read_at is NULL");
            result.source = Source::from_callback(
                source.size, [read_at = source.read_at, user = std::move(read_at_user)](
                                 std::uint64_t offset, void* buffer, std::uint64_t wanted) {
                    return read_at(user.get(), offset, buffer, wanted);
                });
            return result;
        }
        default:
            return make_error(SLUICE_E_INVALID_ARGUMENT, "source.kind is ", source.kind);
    }
}

}  // namespace

Result<GivenSource> read_source(const sluice_source* given, Access access) {
    SLUICE_TRY(check_pointer(given, "source"));
    // From here on the caller's pointer ends with the last copy of this one, also where the call is refused.
    const sluice_source part = known_part(given);
    std::shared_ptr<void> user(part.read_at_user, [destroy = part.read_at_destroy](void* pointer) {
        if (destroy != nullptr) destroy(pointer);
    });
    SLUICE_ASSIGN(source, read_options(given, "source"));
    return open_given(source, access, std::move(user));
}

}  // namespace sluice
