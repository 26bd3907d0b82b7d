// The values of JSON Schema's `format` that strings can be held to.
#pragma once

#include <optional>
#include <string_view>

namespace sluice::grammar {

// A regular expression (regex.h) for whole strings: date, time, date-time (RFC 3339, without leap seconds,
// years from 0001), duration (ISO 8601 as in RFC 3339), email (dot-atoms at a host name), hostname, ipv4, ipv6
// (without an embedded IPv4 address), uuid, uri (RFC 3986; a host, where there is one, is a name or an IPv4
// address), json-pointer. Nothing for any other.
std::optional<std::string_view> expression_of_format(std::string_view format);

}  // namespace sluice::grammar
