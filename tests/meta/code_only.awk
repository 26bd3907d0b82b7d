# Prints C and C++ files as path:line:code without comments and without what strings hold, so that a rule about
# words looks at code alone. Include lines stay whole.
FNR == 1 { in_comment = 0; raw_end = "" }
{
    line = $0
    code = ""
    if (!in_comment && raw_end == "" && line ~ /^[ \t]*#[ \t]*include/) {
        print FILENAME ":" FNR ":" line
        next
    }
    while (line != "") {
        if (in_comment) {
            end = index(line, "*/")
            if (!end) break
            line = substr(line, end + 2)
            in_comment = 0
        } else if (raw_end != "") {
            end = index(line, raw_end)
            if (!end) break
            line = substr(line, end + length(raw_end))
            raw_end = ""
        } else if (match(line, /\/\/|\/\*|"|'/)) {
            before = substr(line, 1, RSTART - 1)
            mark = substr(line, RSTART, RLENGTH)
            line = substr(line, RSTART + RLENGTH)
            code = code before
            if (mark == "//") break
            if (mark == "/*") { in_comment = 1; continue }
            if (mark == "\"" && before ~ /(^|[^A-Za-z0-9_])(u8|u|U|L)?R$/) {
                raw_end = ")" substr(line, 1, index(line, "(") - 1) "\""
                line = substr(line, index(line, "(") + 1)
                code = code "\"\""
                continue
            }
            if (mark == "'" && before ~ /[0-9A-Fa-f]$/ && line ~ /^[0-9A-Fa-f]/) continue  # 4'096
            # A string or a character, up to its end that no backslash escapes.
            code = code mark mark
            stop = "[\\\\" mark "]"
            while (match(line, stop)) {
                escaped = substr(line, RSTART, 1) == "\\"
                line = substr(line, RSTART + 1 + escaped)
                if (!escaped) break
            }
        } else {
            code = code line
            break
        }
    }
    print FILENAME ":" FNR ":" code
}
