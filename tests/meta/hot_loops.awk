# Reads a disassembly; a loop is what lies between a jump back and its target. Prints what is wrong with the innermost
# loops that have the instruction `dot`, by the rules of hot_loops.sh.

function number(hex,    i, n) {
    n = 0
    for (i = 1; i <= length(hex); ++i) n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
    return n
}

function end_function(    i, j, is_innermost) {
    for (i = 0; i < n_loops; ++i) {
        if (count("dot", i) == 0) continue
        is_innermost = 1
        for (j = 0; j < n_loops; ++j) {
            if (from[j] >= from[i] && to[j] <= to[i] && to[j] - from[j] < to[i] - from[i] && count("dot", j) > 0) {
                is_innermost = 0
            }
        }
        if (is_innermost) check(i)
    }
    n_loops = 0
    n_lines = 0
    has_frame = 0
}

function count(what, loop,    i, n) {
    n = 0
    for (i = 0; i < n_lines; ++i) {
        if (address[i] >= from[loop] && address[i] <= to[loop] && kind[i] == what) ++n
    }
    return n
}

function check(loop,    n_dots, n_copies, n_stack) {
    n_dots = count("dot", loop)
    n_copies = count("copy", loop)
    n_stack = count("stack", loop)
    ++n_checked
    if (n_dots > most) most = n_dots
    if (n_stack > 0) print object ": " n_stack " vectors on the stack in a loop of " n_dots " " dot ", " name
    if (n_copies >= n_dots) print object ": " n_copies " copies in a loop of " n_dots " " dot ", " name
}

function kind_of(line,    stack) {
    stack = has_frame ? "\\(%rsp|\\(%rbp|\\[(sp|x29)" : "\\(%rsp|\\[sp"
    if (line ~ stack && line ~ /%[xyz]mm|[ \t,][qv][0-9]/) return "stack"
    if (line ~ "(^|[ \t])" dot "[ \t]") return "dot"
    if (line ~ /^(\{vex\} )?vmov(dq[au]|ap|up)[a-z0-9]*[ \t]+%[xyz]mm[0-9]+,%[xyz]mm[0-9]+[ \t]*$/) return "copy"
    if (line ~ /^mov[ \t]+v[0-9]+\.16b, v[0-9]+\.16b/) return "copy"
    return ""
}

/^[0-9a-f]+ <.*>:$/ {
    end_function()
    name = $2
    next
}

/^ *[0-9a-f]+:\t/ {
    split($0, parts, ":\t")
    sub(/^ */, "", parts[1])
    address[n_lines] = number(parts[1])
    line = substr($0, index($0, ":\t") + 2)
    if (line ~ /^mov +%rsp,%rbp|^mov[ \t]+x29, sp/) has_frame = 1
    kind[n_lines] = kind_of(line)
    if (line ~ /^(j|b|cbn?z|tbn?z)[a-z.]*[ \t]/ && match(line, /[0-9a-f]+ </)) {
        target = number(substr(line, RSTART, RLENGTH - 2))
        if (target <= address[n_lines]) {
            from[n_loops] = target
            to[n_loops++] = address[n_lines]
        }
    }
    ++n_lines
}

END {
    end_function()
    if (n_checked == 0) print object ": no loop has " dot
    if (most < least) print object ": the largest tile has " most + 0 " " dot ", not " least
}
