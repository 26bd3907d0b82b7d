"""What the user asks for and what follows from it: one request, its tool calls, their results, the answer."""
import json
from dataclasses import dataclass, field

from tools import Call


@dataclass
class Exchange:
    category: str
    key: tuple            # what is asked, in no language; decides on which side of the split it lies
    user: str
    calls: list = field(default_factory=list)
    results: list = field(default_factory=list)
    thinking: str = ""
    answer: str = ""
    # The tools that may not be offered, because the request is one for them and shall have none.
    forbidden: tuple = ()


def capital(text):
    return text[:1].upper() + text[1:]


def say(rng, language, request, **slots):
    text = capital(rng.choice(language.REQUESTS[request]).format(**slots))
    # Not everybody types full stops and capitals.
    if rng.random() < 0.15:
        text = text.rstrip(".。")
    return text[:1].lower() + text[1:] if rng.random() < 0.1 else text


def tell(language, answer, **slots):
    return capital(language.ANSWERS[answer].format(**slots))


def with_tool(rng, language, category, key, user, call, result, answer):
    """A request that one call serves. Now and then the tool fails, and the answer has to say so."""
    if rng.random() < 0.06:
        reason = rng.choice(("offline", "busy", "not found", "timeout"))
        result, answer = {"error": reason}, tell(language, "error", reason=reason)
    return Exchange(category, key, user, [call], [result], f"I need {call.name}.", answer)


def light_action(rng):
    return rng.choice(("on", "off")) if rng.random() < 0.65 else rng.randrange(5, 100, 5)


def light(rng, language, room=None, action=None, user=None):
    room = room or rng.choice(list(language.ROOMS))
    action = action or light_action(rng)
    place = language.ROOMS[room]
    if isinstance(action, str):
        request, arguments, slots = f"light_{action}", {"room": room, "state": action}, {"room": place}
    else:
        request, arguments, slots = "light_level", {"room": room, "brightness": action}, {"room": place, "n": action}
    user = user or say(rng, language, request, **slots)
    return with_tool(rng, language, "light", ("light", room, action), user, Call("set_light", arguments),
                     {"status": "ok"}, tell(language, request, **slots))


def heating(rng, language, room=None, celsius=None, user=None):
    room = room or rng.choice(list(language.ROOMS))
    celsius = celsius or (rng.randrange(12, 27) if rng.random() < 0.7 else rng.randrange(12, 27) + 0.5)
    slots = {"room": language.ROOMS[room], "n": celsius}
    user = user or say(rng, language, "heating", **slots)
    return with_tool(rng, language, "heating", ("heating", room, celsius), user,
                     Call("set_heating", {"room": room, "celsius": celsius}), {"status": "ok"},
                     tell(language, "heating", **slots))


def timer(rng, language):
    kind = rng.random()
    if kind < 0.15:
        hours = rng.randrange(2, 10)
        user, minutes, label = say(rng, language, "timer_hours", n=hours), 60 * hours, None
    elif kind < 0.55:
        minutes, label = rng.randrange(2, 181), None
        user = say(rng, language, "timer", n=minutes)
    else:
        minutes, label = rng.randrange(2, 91), rng.choice(language.LABELS)
        user = say(rng, language, "timer_label", n=minutes, label=label)
    arguments = {"minutes": minutes} if label is None else {"minutes": minutes, "label": label}
    answer = tell(language, "timer" if label is None else "timer_label", n=minutes, label=label)
    return with_tool(rng, language, "timer", ("timer", minutes, label), user, Call("set_timer", arguments),
                     {"status": "ok"}, answer)


def some_day(rng, language):
    """A day as the tools want it and as the language says it."""
    if rng.random() < 0.6:
        day = rng.choice(list(language.WEEKDAYS))
        return day, language.WEEKDAYS[day]
    month, number = rng.choice(list(language.MONTHS)), rng.randrange(1, 29)
    spoken = language.MONTHS[month]
    return f"{number} {month}", f"{spoken}{number}日" if language.NAME == "Japanese" else f"{number} {spoken}"


def some_time(rng):
    return f"{rng.randrange(7, 22):02}:{rng.choice((0, 15, 30, 45, rng.randrange(60))):02}"


def event(rng, language):
    title, time = rng.choice(language.TITLES), some_time(rng)
    day, spoken = some_day(rng, language)
    slots = {"title": title, "day": spoken, "time": time}
    return with_tool(rng, language, "event", ("event", title, day, time), say(rng, language, "event", **slots),
                     Call("add_event", {"title": title, "day": day, "time": time}), {"status": "ok"},
                     tell(language, "event", **slots))


def agenda(rng, language):
    day, spoken = some_day(rng, language)
    events = sorted(f"{some_time(rng)} {rng.choice(language.TITLES)}" for _ in range(rng.choice((0, 1, 1, 2, 2, 3))))
    answer = "agenda" if events else "agenda_empty"
    return with_tool(rng, language, "agenda", ("agenda", day), say(rng, language, "agenda", day=spoken),
                     Call("list_events", {"day": day}), {"events": events},
                     tell(language, answer, day=spoken, events=", ".join(events)))


# unit: (unit it is converted to, factor, offset)
CONVERSIONS = {
    "km": ("miles", 0.621371, 0), "miles": ("km", 1.609344, 0), "kg": ("pounds", 2.204623, 0),
    "pounds": ("kg", 0.453592, 0), "cm": ("inches", 0.393701, 0), "inches": ("cm", 2.54, 0),
    "litres": ("gallons", 0.264172, 0), "gallons": ("litres", 3.785412, 0), "metres": ("feet", 3.28084, 0),
    "feet": ("metres", 0.3048, 0), "celsius": ("fahrenheit", 1.8, 32), "fahrenheit": ("celsius", 1 / 1.8, -32 / 1.8)}


def convert(rng, language):
    unit = rng.choice(list(CONVERSIONS))
    target, factor, offset = CONVERSIONS[unit]
    value = rng.randrange(2, 200) if rng.random() < 0.8 else rng.randrange(20, 500) / 10
    slots = {"n": value, "unit": language.UNITS[unit], "target": language.UNITS[target]}
    result = round(value * factor + offset, 2)
    return with_tool(rng, language, "convert", ("convert", value, unit), say(rng, language, "convert", **slots),
                     Call("convert", {"value": value, "unit": unit, "target": target}), {"result": result},
                     tell(language, "convert", result=result, **slots))


def calculation(rng, operators):
    """Two numbers of up to three digits, an operator, and the result, which is never negative or broken."""
    operator = rng.choice(operators)
    a, b = rng.randrange(1, 10 ** rng.choice((2, 3, 3))), rng.randrange(1, 10 ** rng.choice((2, 3, 3)))
    if operator == "*":
        b = rng.randrange(2, 100)
    elif operator == "/":
        b = rng.randrange(2, 100)
        a = b * rng.randrange(1, max(2, 1000 // b))
    elif operator == "-":
        a, b = max(a, b), min(a, b)
    result = {"+": a + b, "-": a - b, "*": a * b, "/": a // b}[operator]
    return a, operator, b, result


def calculate(rng, language):
    a, operator, b, result = calculation(rng, "+-*/")
    shown = f"{a} {operator} {b}"
    user = say(rng, language, "calculate", sum=shown, words=f"{a} {language.OPERATORS[operator]} {b}")
    return with_tool(rng, language, "calculate", ("sum", a, operator, b), user,
                     Call("calculate", {"expression": f"{a}{operator}{b}"}), {"result": result},
                     tell(language, "calculate", sum=shown, result=result))


def digits(number):
    return [number // 10 ** i % 10 for i in range(max(3, len(str(number))))]


def worked_out(a, operator, b, result):
    """The sum digit by digit from the right, as it is learned at school."""
    steps, carry = [], 0
    for x, y in zip(digits(a), digits(b)):
        if operator == "+":
            total = x + y + carry
            steps.append(f"{x}+{y}+{carry}={total}")
            carry = total // 10
        else:
            total = x - y - carry
            steps.append(f"{x}-{y}-{carry}={total}" if total >= 0 else f"1{x}-{y}-{carry}={total + 10}")
            carry = 0 if total >= 0 else 1
    return "; ".join(steps) + f"; {result}"


def mental_sum(rng, language):
    """A sum without a calculator: it is worked out in the thinking."""
    a, operator, b, result = calculation(rng, "+-")
    shown = f"{a} {operator} {b}"
    user = say(rng, language, "calculate", sum=shown, words=f"{a} {language.OPERATORS[operator]} {b}")
    return Exchange("sum", ("sum", a, operator, b), user, thinking=worked_out(a, operator, b, result),
                    answer=tell(language, "calculate", sum=shown, result=result), forbidden=("calculate",))


def list_add(rng, language):
    name, item = rng.choice(list(language.LISTS)), rng.choice(language.ITEMS)
    slots = {"list": language.LISTS[name], "item": item}
    return with_tool(rng, language, "list_add", ("list", name, item), say(rng, language, "list_add", **slots),
                     Call("add_to_list", {"list": name, "item": item}), {"status": "ok"},
                     tell(language, "list_add", **slots))


def list_read(rng, language):
    name = rng.choice(list(language.LISTS))
    items = rng.sample(language.ITEMS, rng.choice((0, 1, 2, 2, 3, 4)))
    answer = "list_read" if items else "list_empty"
    return with_tool(rng, language, "list_read", ("read", name, language.NAME),
                     say(rng, language, "list_read", list=language.LISTS[name]), Call("read_list", {"list": name}),
                     {"items": items}, tell(language, answer, list=language.LISTS[name], items=", ".join(items)))


def facts(rng, language, count):
    """Sentences about different things: for each its kind, the values in it, the sentence, the JSON of it."""
    names, things = rng.sample(language.NAMES, count), rng.sample(language.THINGS, count)
    found = []
    for name, thing in zip(names, things):
        kind = rng.choice(list(language.FACTS))
        day, spoken = some_day(rng, language)
        values = {
            "work": {"name": name, "city": rng.choice(language.CITIES)},
            "visit": {"name": name, "day": day, "time": some_time(rng)},
            "price": {"thing": thing, "n": rng.randrange(2, 900)}}[kind]
        sentence = language.FACTS[kind][0].format(**{**values, "day": spoken})
        found.append((kind, values, capital(sentence)))
    return found


def question(rng, language):
    told = facts(rng, language, rng.choice((1, 2, 2, 3)))
    kind, values, sentence = rng.choice(told)
    asked = capital(rng.choice(language.FACTS[kind][1]).format(**values))
    text = language.JOIN.join(each for _, _, each in told)
    user = rng.choice(language.QUESTION).format(text=text, question=asked)
    subject = values.get("name") or values["thing"]
    return Exchange("question", ("fact", *values.values()), user, thinking=f"Look for {subject}.", answer=sentence)


def json_answer(rng, language):
    """The same facts, asked for as a JSON object."""
    (_, values, sentence), = facts(rng, language, 1)
    record = {"euros" if key == "n" else key: value for key, value in values.items()}
    user = rng.choice(language.AS_JSON).format(text=sentence, keys=", ".join(record))
    return Exchange("json", ("fact", *values.values()), user, thinking="Answer with JSON.",
                    answer=json.dumps(record, ensure_ascii=False))


WITH_TOOLS = {
    light: 3, heating: 2, timer: 2, event: 2, agenda: 1.5, convert: 1.5, calculate: 2, list_add: 1.5, list_read: 1}


def request_for_tool(rng, language):
    return rng.choices(list(WITH_TOOLS), list(WITH_TOOLS.values()))[0](rng, language)


def refusal(rng, language):
    """A request that no tool of the list can serve."""
    if rng.random() < 0.7:
        asked = request_for_tool(rng, language)
        name = asked.calls[0].name
        # Sums without a calculator are worked out, except those that need more than columns of digits.
        while name == "calculate" and asked.key[2] in "+-":
            asked = calculate(rng, language)
        key, user, topic, forbidden = asked.key, asked.user, language.TOPICS[name], (name,)
    else:
        kind = rng.choice(list(language.FOREIGN_REQUESTS))
        request, choices = language.FOREIGN_REQUESTS[kind]
        x = rng.choice(choices)
        key, user, topic, forbidden = ("foreign", kind, x), request.format(x=x), language.TOPICS["foreign"], ()
    return Exchange("refusal", key, user, thinking="No tool fits.", answer=tell(language, "no_tool", topic=topic),
                    forbidden=forbidden)


def parallel(rng, language):
    """Two requests in one message, served by two calls side by side."""
    a, b = request_for_tool(rng, language), request_for_tool(rng, language)
    user = rng.choice(language.REQUESTS["both"]).format(a=a.user, b=b.user)
    names = [a.calls[0].name, b.calls[0].name]
    return Exchange("parallel", (a.key, b.key), user, a.calls + b.calls, a.results + b.results,
                    f"I need {names[0]} and {names[1]}.", a.answer + language.JOIN + b.answer)


def follow_up(rng, language):
    """Two exchanges, of which the second only makes sense after the first."""
    one, other = rng.sample(list(language.ROOMS), 2)
    user = say(rng, language, "same_room", room=language.ROOMS[other])
    if rng.random() < 0.6:
        action = light_action(rng)
        pair = light(rng, language, one, action), light(rng, language, other, action, user)
    else:
        first = heating(rng, language, one)
        pair = first, heating(rng, language, other, first.key[2], user)
    pair[1].category = "follow_up"
    return pair


def small_talk(rng, language):
    user, answer = rng.choice(language.SMALL_TALK)
    return Exchange("small_talk", ("talk", user), user, thinking="Small talk.", answer=answer)
