// Formats as regular expressions, put together from parts.
#include "text/grammar/string_formats.h"

#include <array>

namespace sluice::grammar {
namespace {

#define SLUICE_LEAP_CENTURY "(?:0[48]|[2468][048]|[13579][26])"
#define SLUICE_DATE                                                                          \
    "(?:(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-"                             \
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)" \
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"                                                          \
    "|(?:[0-9]{2}" SLUICE_LEAP_CENTURY "|" SLUICE_LEAP_CENTURY "00)-02-29)"
#define SLUICE_HOUR_MINUTE "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
#define SLUICE_TIME SLUICE_HOUR_MINUTE ":[0-5][0-9](?:\\.[0-9]{1,9})?(?:Z|[+-]" SLUICE_HOUR_MINUTE ")"
#define SLUICE_CLOCK_PART \
    "T(?:[0-9]{1,9}H(?:[0-9]{1,9}M(?:[0-9]{1,9}S)?)?|[0-9]{1,9}M(?:[0-9]{1,9}S)?|[0-9]{1,9}S)"
#define SLUICE_LABEL "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define SLUICE_HOSTNAME SLUICE_LABEL "(?:\\." SLUICE_LABEL "){0,3}"
#define SLUICE_ATOM "[A-Za-z0-9_+-]{1,20}"
#define SLUICE_OCTET "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define SLUICE_HEX4 "[0-9A-Fa-f]{1,4}"
#define SLUICE_PATH_CHARACTER "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"

struct Format {
    std::string_view name;
    std::string_view expression;
};

constexpr std::array<Format, 11> kFormats{{
    {"date", SLUICE_DATE},
    {"time", SLUICE_TIME},
    {"date-time", SLUICE_DATE "T" SLUICE_TIME},
    {"duration",
     "P(?:(?:[0-9]{1,9}D|[0-9]{1,9}M(?:[0-9]{1,9}D)?|[0-9]{1,9}Y(?:[0-9]{1,9}M(?:[0-9]{1,9}D)?)?)"
     "(?:" SLUICE_CLOCK_PART ")?|" SLUICE_CLOCK_PART "|[0-9]{1,9}W)"},
    {"email", SLUICE_ATOM "(?:\\." SLUICE_ATOM "){0,2}@" SLUICE_HOSTNAME},
    {"hostname", SLUICE_HOSTNAME},
    {"ipv4", "(?:" SLUICE_OCTET "\\.){3}" SLUICE_OCTET},
    {"ipv6", "(?:(?:" SLUICE_HEX4 ":){7}" SLUICE_HEX4 "|(?:" SLUICE_HEX4 ":){1,7}:|(?:" SLUICE_HEX4
             ":){1,6}:" SLUICE_HEX4 "|(?:" SLUICE_HEX4 ":){1,5}(?::" SLUICE_HEX4 "){1,2}|(?:" SLUICE_HEX4
             ":){1,4}(?::" SLUICE_HEX4 "){1,3}|(?:" SLUICE_HEX4 ":){1,3}(?::" SLUICE_HEX4
             "){1,4}|(?:" SLUICE_HEX4 ":){1,2}(?::" SLUICE_HEX4 "){1,5}|" SLUICE_HEX4 ":(?::" SLUICE_HEX4
             "){1,6}|:(?:(?::" SLUICE_HEX4 "){1,7}|:))"},
    {"uuid", "[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"},
    {"uri", "[A-Za-z][A-Za-z0-9+.-]*:(?://" SLUICE_LABEL "(?:\\." SLUICE_LABEL
            "){0,3}(?::[0-9]{1,4})?(?:/" SLUICE_PATH_CHARACTER "*)*|/?" SLUICE_PATH_CHARACTER
            "+(?:/" SLUICE_PATH_CHARACTER "*)*)(?:\\?(?:" SLUICE_PATH_CHARACTER
            "|[/?])*)?(?:#(?:" SLUICE_PATH_CHARACTER "|[/?])*)?"},
    {"json-pointer", "(?:/(?:[^~/]|~[01])*)*"},
}};

}  // namespace

std::optional<std::string_view> expression_of_format(std::string_view format) {
    for (const Format& known : kFormats) {
        if (known.name == format) return known.expression;
    }
    return std::nullopt;
}

}  // namespace sluice::grammar
