// Where the files lie that some tests compare with: the folder tests/ of the source (set in
// tests/CMakeLists.txt).
#pragma once

#include <string>

#ifndef SLUICE_TESTS_FOLDER
#error "tests/CMakeLists.txt says where the tests are"
#endif

inline std::string test_data_folder() {
    return SLUICE_TESTS_FOLDER;
}
