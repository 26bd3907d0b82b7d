// Classes of bytes in tool calls. A byte above 127 belongs to a character of another script and counts as a
// letter.
#pragma once

namespace sluice {

inline bool is_space(char byte) {
    return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r' || byte == '\f' || byte == '\v';
}
inline bool is_decimal_digit(char byte) {
    return byte >= '0' && byte <= '9';
}
inline bool is_word_start(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           static_cast<unsigned char>(byte) >= 0x80;
}
inline bool is_word_byte(char byte) {
    return is_word_start(byte) || is_decimal_digit(byte);
}
// Names of tools and arguments may be dotted, and those of tool servers often hold a hyphen.
inline bool is_name_byte(char byte) {
    return is_word_byte(byte) || byte == '.' || byte == '-';
}
// Some tool servers put a path in front of a tool's name.
inline bool is_tool_name_byte(char byte) {
    return is_name_byte(byte) || byte == '/';
}
// -1 for anything else.
inline int hex_digit(char byte) {
    if (is_decimal_digit(byte)) return byte - '0';
    if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
    return -1;
}

}  // namespace sluice
