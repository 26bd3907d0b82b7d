// Malformed safetensors files, each with the outcome that reference/reliability.md 1.2 F asks for.
#pragma once

#include <string>
#include <vector>

#include "support/malformed_gguf.h"

// A file with this header and n_data zero bytes behind it.
std::string safetensors_file(const std::string& header, std::size_t n_data);

std::vector<MalformedCase> malformed_safetensors();
