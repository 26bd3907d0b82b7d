"""English words and sentences of the demo model's dialogues."""

NAME = "English"

ROOMS = {room: room for room in (
    "kitchen", "bedroom", "living room", "bathroom", "office", "hall", "garage", "garden", "attic", "cellar")}
LISTS = {name: name for name in ("shopping", "todo", "packing", "gift", "party", "school", "garden", "repair")}
ITEMS = (
    "milk", "bread", "eggs", "rice", "apples", "cheese", "green tea", "coffee", "butter", "soap", "paper", "batteries",
    "socks", "a towel", "the passport", "a charger", "an umbrella", "the camera", "a book", "candles", "a puzzle",
    "a scarf", "olive oil", "tomatoes", "water", "honey", "plates", "balloons", "pencils", "glue", "screws", "paint",
    "seeds", "a shovel", "new shoes", "orange juice")
TITLES = (
    "dentist", "team meeting", "phone call", "lunch", "yoga", "gym", "doctor", "piano lesson", "dinner", "interview",
    "haircut", "parents evening", "car service", "project review", "birthday", "job talk")
LABELS = ("pasta", "tea", "rice", "eggs", "cake", "laundry", "soup", "pizza", "bread", "break", "nap", "oven")
WEEKDAYS = {day: day for day in (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "today", "tomorrow")}
MONTHS = {month: month for month in (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December")}
NAMES = ("Anna", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry", "Iris", "Jack", "Kate", "Leo")
CITIES = ("London", "Paris", "Berlin", "Madrid", "Rome", "Vienna", "Oslo", "Dublin", "Prague", "Lisbon")
THINGS = ("lamp", "chair", "desk", "bicycle", "radio", "clock", "mirror", "kettle", "carpet", "printer")
UNITS = {unit: unit for unit in (
    "km", "miles", "kg", "pounds", "cm", "inches", "litres", "gallons", "metres", "feet", "celsius", "fahrenheit")}
OPERATORS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
FOREIGN_REQUESTS = {
    "music": ("Play some {x}.", ("jazz", "rock", "opera", "folk music", "piano music", "techno")),
    "food": ("Order {x} for me.", ("a pizza", "sushi", "a salad", "two burgers", "noodles", "ice cream")),
    "flight": ("Book a flight to {x}.", ("Rome", "Oslo", "Tokyo", "Kyiv", "Madrid", "Lima")),
    "call": ("Call {x} on the phone.", ("Anna", "Ben", "Clara", "my mother", "the bank", "a taxi")),
    "door": ("Lock the {x} door.", ("front", "back", "garage", "cellar", "balcony", "car")),
    "news": ("Read me the news about {x}.", ("sports", "science", "politics", "the weather", "films", "traffic")),
}

REQUESTS = {
    "light_on": (
        "Turn on the {room} light.", "Turn on the light in the {room}.", "Switch the {room} light on.",
        "Light on in the {room}, please.", "Please turn on the lights in the {room}.", "It is dark in the {room}."),
    "light_off": (
        "Turn off the {room} light.", "Turn off the light in the {room}.", "Switch the {room} light off.",
        "Light off in the {room}, please.", "Please turn off the lights in the {room}.",
        "Nobody needs light in the {room}."),
    "light_level": (
        "Set the {room} light to {n} percent.", "Dim the light in the {room} to {n} %.",
        "Make the {room} light {n} percent bright.", "Brightness {n} in the {room}, please."),
    "heating": (
        "Set the heating in the {room} to {n} degrees.", "Heat the {room} to {n} degrees.",
        "Make it {n} degrees in the {room}.", "I want {n} degrees in the {room}.", "Please set the {room} to {n} °C."),
    "timer": (
        "Set a timer for {n} minutes.", "Start a {n} minute timer.", "Wake me in {n} minutes.",
        "Timer, {n} minutes, please.", "Tell me when {n} minutes are over."),
    "timer_hours": ("Set a timer for {n} hours.", "Start a {n} hour timer.", "Wake me in {n} hours."),
    "timer_label": (
        "Set a {label} timer for {n} minutes.", "Start a timer of {n} minutes for the {label}.",
        "{n} minutes for the {label}, please.", "Remind me of the {label} in {n} minutes."),
    "event": (
        "Add {title} on {day} at {time}.", "Put {title} in my calendar for {day} at {time}.",
        "I have {title} {day} at {time}, please note it.", "Plan {title} for {day}, {time}.",
        "New appointment: {title}, {day}, {time}."),
    "agenda": (
        "What do I have on {day}?", "What is in my calendar for {day}?", "Show my plans for {day}.",
        "Which appointments are there {day}?"),
    "convert": (
        "Convert {n} {unit} to {target}.", "How many {target} are {n} {unit}?", "What is {n} {unit} in {target}?",
        "{n} {unit} in {target}, please."),
    "calculate": (
        "What is {sum}?", "Calculate {sum}.", "How much is {sum}?", "{sum} = ?", "Work out {words}.", "What is {words}?"),
    "list_add": (
        "Add {item} to the {list} list.", "Put {item} on my {list} list.", "Write {item} on the {list} list, please.",
        "The {list} list needs {item}."),
    "list_read": (
        "What is on the {list} list?", "Read me my {list} list.", "Show the {list} list.",
        "Tell me everything on the {list} list."),
    "same_room": ("And in the {room}?", "The {room} too, please.", "The same in the {room}."),
    "both": ("{a} {b}", "{a} Then: {b}", "{a} And also: {b}"),
}
ANSWERS = {
    "light_on": "The light in the {room} is on.",
    "light_off": "The light in the {room} is off.",
    "light_level": "The light in the {room} is at {n} percent.",
    "heating": "The heating in the {room} is set to {n} degrees.",
    "timer": "The timer runs for {n} minutes.",
    "timer_label": "The {label} timer runs for {n} minutes.",
    "event": "I have added {title}: {day}, {time}.",
    "agenda": "Your plans for {day}: {events}.",
    "agenda_empty": "You have no plans for {day}.",
    "convert": "{n} {unit} are {result} {target}.",
    "calculate": "{sum} = {result}.",
    "list_add": "I have put {item} on the {list} list.",
    "list_read": "On the {list} list: {items}.",
    "list_empty": "The {list} list is empty.",
    "error": "That did not work: {reason}.",
    "no_tool": "I am sorry, I have no tool for {topic}.",
}
TOPICS = {
    "set_light": "lights", "set_heating": "heating", "set_timer": "timers", "add_event": "new appointments",
    "list_events": "reading the calendar", "convert": "units", "calculate": "this calculation",
    "add_to_list": "writing lists", "read_list": "reading lists", "foreign": "that"}
FACTS = {
    "work": ("{name} works in {city}.", ("Where does {name} work?", "In which city does {name} work?")),
    "visit": ("{name} arrives on {day} at {time}.", ("When does {name} arrive?", "On which day and when does {name} come?")),
    "price": ("The {thing} costs {n} euros.", ("What does the {thing} cost?", "How much is the {thing}?")),
}
QUESTION = ("{text} {question}", "Read this: {text} {question}", "{question} Text: {text}")
AS_JSON = ("{text} Answer as JSON with the keys {keys}.", "Give me {keys} as JSON: {text}")
JOIN = " "
SMALL_TALK = (
    ("Hello!", "Hello! What can I do for you?"), ("Hi.", "Hello! What can I do for you?"),
    ("Good morning.", "Good morning! What can I do for you?"), ("Thank you.", "You are welcome."),
    ("Thanks!", "You are welcome."), ("Who are you?", "I am the tiny demo model of sluice."),
    ("What are you?", "I am the tiny demo model of sluice."),
    ("What can you do?", "I use tools for lights, heating, timers, the calendar, lists, units and sums."),
    ("Goodbye.", "Goodbye!"), ("Bye!", "Goodbye!"), ("How are you?", "I am fine, thank you."))
