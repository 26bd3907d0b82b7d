// strftime without the system's clock, zone or locale.
#include <array>

#include "base/utf8.h"
#include "text/jinja/functions.h"

namespace sluice::jinja {
namespace {

struct Date {
    std::int64_t year = 1970;
    int month = 1;  // 1 to 12
    int day = 1;
    int day_of_year = 1;
    int week_day = 4;  // 0 is Sunday
    int hour = 0;
    int minute = 0;
    int second = 0;
};

// The proleptic Gregorian date of a day, counted in eras of 400 years that begin in March:
// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
Date date_of(std::int64_t seconds) {
    constexpr std::int64_t kDay = 86'400;
    std::int64_t days = seconds / kDay;
    std::int64_t rest = seconds % kDay;
    if (rest < 0) {
        rest += kDay;
        --days;
    }
    Date date;
    date.hour = static_cast<int>(rest / 3600);
    date.minute = static_cast<int>(rest / 60 % 60);
    date.second = static_cast<int>(rest % 60);
    date.week_day = static_cast<int>(((days + 4) % 7 + 7) % 7);
    const std::int64_t shifted = days + 719'468;
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
    const std::int64_t day_of_era = shifted - era * 146'097;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const std::int64_t day_from_march = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t month_from_march = (5 * day_from_march + 2) / 153;
    date.day = static_cast<int>(day_from_march - (153 * month_from_march + 2) / 5 + 1);
    date.month = static_cast<int>(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
    constexpr std::array<int, 12> kBefore = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    const bool is_leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
    date.day_of_year =
        kBefore[static_cast<std::size_t>(date.month - 1)] + date.day + (is_leap && date.month > 2 ? 1 : 0);
    return date;
}

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kWeekDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

std::string number(std::int64_t value, std::size_t width, char fill, bool fills) {
    std::string digits = sentence(value);
    if (fills && digits.size() < width) digits.insert(0, width - digits.size(), fill);
    return digits;
}

// What one conversion gives; nothing for one that is not done.
std::optional<std::string> converted(const Date& date, char kind, bool fills) {
    const int hour12 = date.hour % 12 == 0 ? 12 : date.hour % 12;
    const auto month = static_cast<std::size_t>(date.month - 1);
    const auto week_day = static_cast<std::size_t>(date.week_day);
    const auto two = [&](std::int64_t value) { return number(value, 2, '0', fills); };
    switch (kind) {
        case 'Y':
            return sentence(date.year);
        case 'y':
            return two((date.year % 100 + 100) % 100);
        case 'm':
            return two(date.month);
        case 'd':
            return two(date.day);
        case 'e':
            return number(date.day, 2, ' ', fills);
        case 'j':
            return number(date.day_of_year, 3, '0', fills);
        case 'H':
            return two(date.hour);
        case 'I':
            return two(hour12);
        case 'M':
            return two(date.minute);
        case 'S':
            return two(date.second);
        case 'f':
            return std::string("000000");
        case 'p':
            return std::string(date.hour < 12 ? "AM" : "PM");
        case 'B':
            return std::string(kMonths[month]);
        case 'b':
        case 'h':
            return std::string(kMonths[month].substr(0, 3));
        case 'A':
            return std::string(kWeekDays[week_day]);
        case 'a':
            return std::string(kWeekDays[week_day].substr(0, 3));
        case 'w':
            return sentence(date.week_day);
        case 'u':
            return sentence(date.week_day == 0 ? 7 : date.week_day);
        case 'Z':
        case 'z':
            return std::string();  // the time has no zone, as datetime.now() has none
        case 'n':
            return std::string("\n");
        case 't':
            return std::string("\t");
        case '%':
            return std::string("%");
        default:
            return std::nullopt;
    }
}

// Conversions that stand for several others.
std::string_view expansion(char kind) {
    switch (kind) {
        case 'F':
            return "%Y-%m-%d";
        case 'T':
        case 'X':
            return "%H:%M:%S";
        case 'R':
            return "%H:%M";
        case 'D':
        case 'x':
            return "%m/%d/%y";
        case 'c':
            return "%a %b %e %H:%M:%S %Y";
        case 'r':
            return "%I:%M:%S %p";
        default:
            return "";
    }
}

Done append_time(Meter& meter, const Date& date, std::string_view form, std::string& out) {
    for (std::size_t at = 0; at < form.size(); ++at) {
        if (form[at] != '%' || at + 1 == form.size()) {
            out += form[at];
            continue;
        }
        SLUICE_TRY(meter.spend_growth(out.size(), 32));
        ++at;
        const bool fills = form[at] != '-' || at + 1 == form.size();
        if (!fills) ++at;
        if (const std::string_view several = expansion(form[at]); !several.empty()) {
            SLUICE_TRY(append_time(meter, date, several, out));
            continue;
        }
        const auto piece = converted(date, form[at], fills);
        if (!piece)
            return make_error(SLUICE_E_UNSUPPORTED, "strftime_now does not know %",
                              printable(form.substr(at, code_point_at(form, at).size)));
        out += *piece;
    }
    return Nothing{};
}

}  // namespace

Result<std::string> format_time(Runtime& runtime, std::int64_t local_time, std::string_view form) {
    SLUICE_TRY(runtime.meter.spend_text(form.size()));
    std::string out;
    SLUICE_TRY(append_time(runtime.meter, date_of(local_time), form, out));
    return out;
}

}  // namespace sluice::jinja
