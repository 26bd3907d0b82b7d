"""The languages of the demo model. Each module has the same tables; an argument of a tool is always English."""
from . import english, japanese, ukrainian

LANGUAGES = (english, ukrainian, japanese)
