// "%s of %d" % values.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "text/jinja/characters.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/spelling.h"

namespace sluice::jinja {
namespace {

constexpr std::int64_t kMaxWidth = 1000;

// One conversion: %(name)-05.2f
struct Conversion {
    std::string name;
    bool has_name = false;
    bool left = false;
    bool zeros = false;
    bool plus = false;
    bool space = false;
    std::int64_t width = 0;
    std::int64_t precision = -1;
    char kind = '\0';
};

class Formatter {
public:
    Formatter(Runtime& runtime, const std::string& form, const Value& values)
        : runtime_(runtime), form_(form), values_(values) {
        const Sequence* tuple = values.sequence();
        if (tuple != nullptr && tuple->flavour == Flavour::kTuple) tuple_ = tuple;
    }

    Result<Value> run() {
        while (at_ < form_.size()) {
            const std::size_t sign = std::min(form_.find('%', at_), form_.size());
            SLUICE_TRY(runtime_.meter.spend_growth(out_.size(), sign - at_));
            out_.append(form_, at_, sign - at_);
            at_ = sign + 1;
            if (sign == form_.size()) break;
            SLUICE_ASSIGN(conversion, read());
            if (conversion.kind == '%') {
                out_ += '%';
            } else {
                SLUICE_TRY(write(conversion));
            }
        }
        const bool single_left =
            tuple_ == nullptr && values_.dict() == nullptr && n_used_ == 0 && values_.sequence() == nullptr;
        if ((tuple_ != nullptr && !by_name_ && n_used_ < tuple_->items.size()) || single_left)
            return wrong_value("not all values were used by the text with '%'");
        return make_text(runtime_, std::move(out_));
    }

private:
    std::int64_t read_number() {
        std::int64_t number = 0;
        for (; at_ < form_.size() && form_[at_] >= '0' && form_[at_] <= '9'; ++at_)
            number = std::min(number * 10 + (form_[at_] - '0'), kMaxWidth + 1);
        return number;
    }

    Result<Conversion> read() {
        Conversion conversion;
        if (at_ < form_.size() && form_[at_] == '(') {
            const std::size_t end = form_.find(')', at_);
            if (end == std::string::npos) return wrong_value("a name after '%' has no ')'");
            conversion.name = form_.substr(at_ + 1, end - at_ - 1);
            conversion.has_name = true;
            at_ = end + 1;
        }
        for (; at_ < form_.size(); ++at_) {
            const char flag = form_[at_];
            if (flag == '-')
                conversion.left = true;
            else if (flag == '0')
                conversion.zeros = true;
            else if (flag == '+')
                conversion.plus = true;
            else if (flag == ' ')
                conversion.space = true;
            else
                break;
        }
        conversion.width = read_number();
        if (at_ < form_.size() && form_[at_] == '.') {
            ++at_;
            conversion.precision = read_number();
        }
        if (conversion.width > kMaxWidth || conversion.precision > kMaxWidth)
            return make_error(SLUICE_E_LIMIT, "a width after '%' is over ", kMaxWidth);
        if (at_ == form_.size()) return wrong_value("a text for '%' ends inside a conversion");
        conversion.kind = form_[at_++];
        return conversion;
    }

    Result<Value> value_for(const Conversion& conversion) {
        if (conversion.has_name) {
            const Dict* dict = values_.dict();
            const Value* found = dict == nullptr ? nullptr : dict->find(conversion.name);
            if (found == nullptr) return wrong_value("'%' has no value named ", printable(conversion.name, 32));
            by_name_ = true;
            return *found;
        }
        if (tuple_ != nullptr) {
            if (n_used_ == tuple_->items.size()) return wrong_value("not enough values for the text with '%'");
            return tuple_->items[n_used_++];
        }
        if (n_used_++ > 0) return wrong_value("not enough values for the text with '%'");
        return values_;
    }

    Result<std::string> digits_of(const Conversion& conversion, const Value& value) {
        char buffer[512];
        if (conversion.kind == 'd' || conversion.kind == 'i' || conversion.kind == 'u') {
            if (const auto whole = value.whole()) return sentence(*whole);
            const auto* real = value.as<double>();
            if (real != nullptr && std::abs(*real) < 0x1p63) return sentence(static_cast<std::int64_t>(*real));
        } else if (conversion.kind == 'x' || conversion.kind == 'X' || conversion.kind == 'o') {
            if (const auto whole = value.whole()) {
                const auto end =
                    std::to_chars(buffer, buffer + sizeof buffer, *whole, conversion.kind == 'o' ? 8 : 16).ptr;
                std::string digits(buffer, end);
                return conversion.kind == 'X' ? to_upper(digits) : digits;
            }
        } else if (const auto number = value.number()) {
            const auto form = conversion.kind == 'f' || conversion.kind == 'F' ? std::chars_format::fixed
                              : conversion.kind == 'e'                         ? std::chars_format::scientific
                                                                               : std::chars_format::general;
            const int precision = conversion.precision < 0 ? 6 : static_cast<int>(conversion.precision);
            std::string digits(1500, '\0');
            const auto [end, failure] =
                std::to_chars(digits.data(), digits.data() + digits.size(), *number, form, precision);
            if (failure != std::errc()) return make_error(SLUICE_E_LIMIT, "a number after '%' is too long");
            digits.resize(static_cast<std::size_t>(end - digits.data()));
            return digits;
        }
        if (value.is_undefined()) return undefined_error(value);
        return wrong_value("'%", conversion.kind, "' needs a number, given is a ", type_name(value));
    }

    Done write(const Conversion& conversion) {
        SLUICE_ASSIGN(value, value_for(conversion));
        std::string piece;
        if (conversion.kind == 's' || conversion.kind == 'r') {
            SLUICE_TRY(conversion.kind == 's' ? append_str(runtime_.meter, value, piece)
                                              : append_repr(runtime_.meter, value, piece));
            if (conversion.precision >= 0)
                piece.resize(byte_of_character(piece, static_cast<std::size_t>(conversion.precision)));
        } else if (std::string_view("diuxXofFegG").find(conversion.kind) != std::string_view::npos) {
            SLUICE_ASSIGN(digits, digits_of(conversion, value));
            piece = std::move(digits);
            std::string sign;
            if (!piece.empty() && piece[0] == '-') {
                sign = "-";
                piece.erase(0, 1);
            } else if (conversion.plus || conversion.space) {
                sign = conversion.plus ? "+" : " ";
            }
            const auto taken = static_cast<std::int64_t>(sign.size());
            if (conversion.zeros && !conversion.left) {
                SLUICE_ASSIGN(filled, padded(runtime_, piece, conversion.width - taken, "0", Side::kRight));
                piece = std::move(filled);
            }
            piece = sign + piece;
        } else {
            return make_error(SLUICE_E_UNSUPPORTED, "'%' with the conversion ",
                              printable(std::string_view(&conversion.kind, 1)));
        }
        SLUICE_ASSIGN(whole, padded(runtime_, piece, conversion.width, " ",
                                    conversion.left ? Side::kLeft : Side::kRight));
        SLUICE_TRY(runtime_.meter.spend_growth(out_.size(), whole.size()));
        out_ += whole;
        return Nothing{};
    }

    Runtime& runtime_;
    const std::string& form_;
    const Value& values_;
    const Sequence* tuple_ = nullptr;
    std::size_t at_ = 0;
    std::size_t n_used_ = 0;
    bool by_name_ = false;
    std::string out_;
};

}  // namespace

Result<Value> format_percent(Runtime& runtime, const std::string& form, const Value& values) {
    return Formatter(runtime, form, values).run();
}

}  // namespace sluice::jinja
