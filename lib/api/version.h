// The numbers that a caller can ask for. CMakeLists.txt has the release's number too; tests/meta compares.
#pragma once

#include <cstdint>

namespace sluice {

constexpr std::uint32_t kAbiMajor = 0;
constexpr std::uint32_t kAbiMinor = 1;
constexpr const char* kVersion = "0.1.0";

}  // namespace sluice
