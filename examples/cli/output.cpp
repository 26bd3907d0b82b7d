// Bytes in and out. Every write is checked: a full disk is a failure, not a short file.
#include "output.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "host.h"

namespace command {

namespace {

constexpr std::size_t kMaxInputSize = std::size_t{64} << 20;

std::string read_all(std::FILE* file, const std::string& name) {
    std::string bytes;
    std::array<char, 16384> piece{};
    while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), file)) {
        bytes.append(piece.data(), n);
        if (bytes.size() > kMaxInputSize) throw Failure(name + " is larger than 64 MiB");
    }
    if (std::ferror(file)) throw Failure("cannot read " + name + ": " + std::strerror(errno));
    return bytes;
}

}  // namespace

std::string read_stdin() {
    return read_all(stdin, "standard input");
}

std::string read_file(const std::string& path) {
    if (path == "-") return read_stdin();
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) throw Failure("cannot open " + path + ": " + std::strerror(errno));
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> closer(file, std::fclose);
    return read_all(file, path);
}

void write_stdout(std::string_view bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) {
        throw Failure(std::string("cannot write to standard output: ") + std::strerror(errno));
    }
}

void flush_stdout() {
    if (std::fflush(stdout) != 0) {
        throw Failure(std::string("cannot write to standard output: ") + std::strerror(errno));
    }
}

void write_json(const Json& json) {
    write_stdout(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

OutputFile::OutputFile(std::string path) : path_(std::move(path)), file_(std::fopen(path_.c_str(), "wb")) {
    if (!file_) throw Failure("cannot create " + path_ + ": " + std::strerror(errno));
}

void OutputFile::write_numbers(const void* numbers, std::size_t n_numbers) {
    static_assert(std::endian::native == std::endian::little, "the numbers are written as they lie in memory");
    if (std::fwrite(numbers, 4, n_numbers, file_.get()) != n_numbers) {
        throw Failure("cannot write " + path_ + ": " + std::strerror(errno));
    }
}

void OutputFile::close() {
    if (std::fclose(file_.release()) != 0) {
        throw Failure("cannot write " + path_ + ": " + std::strerror(errno));
    }
}

std::string visible(std::string_view text, LineEnds line_ends) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
        const bool kept = line_ends == LineEnds::kKeep && (byte == '\n' || byte == '\t');
        if ((byte < 0x20 && !kept) || byte == 0x7F) {
            result += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
        } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {  // U+0080 to U+009F steer terminals too
            result += {'\\', 'x', kDigits[next >> 4], kDigits[next & 15]};
            ++i;
        } else {
            result += static_cast<char>(byte);
        }
    }
    return result;
}

std::string number_text(double number, int digits) {
    std::array<char, 64> text{};
    const int size = std::snprintf(text.data(), text.size(), "%.*f", digits, number);
    return {text.data(), static_cast<std::size_t>(size)};
}

std::string size_text(std::uint64_t size) {
    if (size < 1024) return std::to_string(size) + " bytes";
    constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double number = static_cast<double>(size) / 1024;
    std::size_t unit = 0;
    while (number >= 1024 && unit + 1 < std::size(kUnits)) {
        number /= 1024;
        ++unit;
    }
    return number_text(number, number < 10 ? 2 : 1) + " " + kUnits[unit];
}

std::string count_text(std::uint64_t count) {
    std::string text = std::to_string(count);
    for (std::size_t i = text.size(); i > 3;) text.insert(i -= 3, ",");
    return text;
}

std::string row_text(std::string_view key, std::string_view value) {
    constexpr std::size_t kKeyWidth = 20;
    std::string row(key);
    row.resize(std::max(kKeyWidth, key.size() + 1), ' ');
    return row + visible(value) + "\n";
}

Progress::~Progress() {
    clear();
}

void Progress::show(const std::string& line) {
    if (line == shown_ || !stderr_is_terminal()) return;
    std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
    std::fflush(stderr);
    shown_ = line;
}

void Progress::clear() {
    if (shown_.empty()) return;
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
    shown_.clear();
}

}  // namespace command
