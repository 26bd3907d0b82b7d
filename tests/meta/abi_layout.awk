# Makes, of public headers without their comments, a C program that prints size and offsets of every struct
# and the value of every number.
BEGIN { print "#include <stddef.h>\n#include <stdio.h>\n#include <sluice/experimental.h>\n#include <sluice/sluice.h>"
        print "int main(void) {" }
/^#define SLUICE_[A-Z0-9_]+ [(0-9]/ { printf "printf(\"%s %%lld\\n\", (long long)(%s));\n", $2, $2 }
/^typedef struct [a-z_]+ \{/ {
    name = $3
    printf "printf(\"%s %%zu\\n\", sizeof(%s));\n", name, name
    next
}
/^\}/ { name = "" }
name != "" && /^#/ { print }
name != "" && /;/ {
    field = $0
    sub(/;.*/, "", field)
    sub(/\[.*/, "", field)
    sub(/.*[ *]/, "", field)
    printf "printf(\"%s.%s %%zu %%zu\\n\", offsetof(%s, %s), sizeof(((%s *)0)->%s));\n", \
        name, field, name, field, name, field
}
END { print "return 0;\n}" }
