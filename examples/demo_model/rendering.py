"""Text of a dialogue in the family's chat format, with the parts that the model has to learn marked.

chat_template.jinja writes the same text; test_demo_model.py compares both."""
import json

from tools import Call, written

BEGIN = "<|startoftext|>"


def system_text(messages, tools):
    text = messages[0]["content"] if messages[0]["role"] == "system" else ""
    if tools:
        text += ("\n" if text else "") + "List of tools: ["
        text += ", ".join(json.dumps(tool, ensure_ascii=False) for tool in tools) + "]"
    return text


def assistant_text(message, in_json, keeps_thinking):
    text = ""
    if keeps_thinking and message.get("thinking"):
        text += f"<think>{message['thinking']}</think>"
    text += message.get("content", "")
    if "tool_calls" in message:
        calls = [Call(call["function"]["name"], call["function"]["arguments"]) for call in message["tool_calls"]]
        text += written(calls, in_json)
    return text


def pieces(messages, tools, in_json):
    """(text, is learned) one after the other. The template drops the thinking of everything before the last
    message of the user, so an assistant's message there is learned only where it had none."""
    last_user = max(i for i, message in enumerate(messages) if message["role"] == "user")
    yield BEGIN, False
    yield f"<|im_start|>system\n{system_text(messages, tools)}<|im_end|>\n", False
    for i, message in enumerate(messages):
        if message["role"] == "system":
            continue
        yield f"<|im_start|>{message['role']}\n", False
        if message["role"] == "assistant":
            is_learned = i > last_user or not message.get("thinking")
            yield assistant_text(message, in_json, i > last_user) + "<|im_end|>", is_learned
        else:
            content = message["content"]
            yield (content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)) + "<|im_end|>", False
        yield "\n", False


def rendered(messages, tools, in_json, asks=False):
    """The whole text; with `asks` it ends where the assistant has to begin."""
    text = "".join(piece for piece, _ in pieces(messages, tools, in_json))
    return text + ("<|im_start|>assistant\n" if asks else "")
