#!/bin/sh
# A conversation with the demo model: chat.sh SLUICE MODEL [REQUEST...]. Plays the requests, or asks you for yours.
# It writes the prompts in the family's chat format by hand and plays the household: every tool just says "ok", and
# the calculator is awk. Ends with 1 when a call is none that the tools have.
set -eu
sluice=$1
model=$2
shift 2
newline='
'
tools='{"name": "set_light", "parameters": {"type": "object", "properties": {"room": {"type": "string"}, "state": {"type": "string", "enum": ["on", "off"]}, "brightness": {"type": "integer"}}, "required": ["room"]}}, {"name": "set_timer", "parameters": {"type": "object", "properties": {"minutes": {"type": "integer"}, "label": {"type": "string"}}, "required": ["minutes"]}}, {"name": "calculate", "parameters": {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}}'
system="<|startoftext|><|im_start|>system${newline}You are a home assistant.${newline}List of tools: [$tools]<|im_end|>$newline"
before=        # the exchange before this one, as the model may see it: without its thinking

answer() { "$sluice" generate "$model" --prompt "$1<|im_start|>assistant$newline" --no-bos --temp 0 -n 300 </dev/null; }

# What a tool says to one call.
result_of() {
    case $1 in
        "calculate(expression='"*"')")
            sum=${1#*\'}
            sum=${sum%\'*}
            case $sum in *[!0-9.+*/-]*) echo '{"error": "not found"}'; return ;; esac
            awk "BEGIN { printf \"{\\\"result\\\": %.6g}\\n\", $sum }" 2>/dev/null || echo '{"error": "not found"}' ;;
        "set_light("*")" | "set_timer("*")") echo '{"status": "ok"}' ;;
        *) echo "This is no call of the tools: $1" >&2; return 1 ;;
    esac
}

# show LABEL TEXT
show() { printf '   %-9s %s\n' "$1" "$2"; }

# One request: the model's calls, their results, its answer.
exchange() {
    request="<|im_start|>user$newline$1<|im_end|>$newline"
    show you "$1"
    text=$(answer "$system$before$request")
    thinking=${text%%</think>*}
    said=${text#*</think>}
    [ "$thinking" = "$text" ] || show thinking "${thinking#<think>}"
    case $said in
        "<|tool_call_start|>["*"]<|tool_call_end|>")
            calls=${said#"<|tool_call_start|>["}
            calls=${calls%"]<|tool_call_end|>"}
            results=
            # Calls stand side by side: f(a=1), g(b='x').
            while [ -n "$calls" ]; do
                call=${calls%%), *}
                case $calls in *"), "*) call="$call)"; calls=${calls#*), } ;; *) calls= ;; esac
                result=$(result_of "$call")
                show calls "$call"
                show result "$result"
                results="$results<|im_start|>tool$newline$result<|im_end|>$newline"
            done
            final=$(answer "$system$before$request<|im_start|>assistant$newline$text<|im_end|>$newline$results")
            show model "$final"
            before="$request<|im_start|>assistant$newline$said<|im_end|>$newline$results"
            before="$before<|im_start|>assistant$newline$final<|im_end|>$newline" ;;
        *)
            show model "$said"
            before="$request<|im_start|>assistant$newline$said<|im_end|>$newline" ;;
    esac
    echo
}

if [ $# -gt 0 ]; then
    for each; do exchange "$each"; done
    exit 0
fi
echo "   It knows lights, timers and sums. Try: Turn on the light in the kitchen. Ctrl-D ends."
while printf '> ' && IFS= read -r line; do
    [ -z "$line" ] || exchange "$line"
done
echo
