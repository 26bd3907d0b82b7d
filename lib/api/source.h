// sluice_source of the C API as something the layers below can read.
#pragma once

#include <memory>
#include <string>

#include <sluice/model.h>

#include "base/result.h"
#include "base/source.h"

namespace sluice {

// Either a path (which may be a folder) or an open source.
struct GivenSource {
    std::string path;
    std::shared_ptr<const Source> source;  // null when path is set
};

// Takes over read_at_destroy, called when the source ends, also on failure.
// Errors: INVALID_ARGUMENT, UNSUPPORTED, those of Source.
Result<GivenSource> read_source(const sluice_source* given, Access access);

}  // namespace sluice
