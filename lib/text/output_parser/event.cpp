// Views are made when an event is pulled: the arguments of an open call may have moved since it was noted.
#include "text/output_parser/event.h"

#include <utility>

namespace sluice {

OutputEvent OutputEventQueue::next() {
    OutputEvent event;
    do {
        if (entries_.empty()) {
            current_ = {};
            return event;
        }
        current_ = std::move(entries_.front());
        entries_.pop_front();
        event.kind = current_.kind;
    } while ((event.kind == OutputEventKind::kText || event.kind == OutputEventKind::kThinking) &&
             current_.text.empty());
    event.call = current_.call.get();
    event.open_thinking = current_.open_thinking;
    event.open_calls = current_.open_calls;
    if (event.kind == OutputEventKind::kToolCallArgument) {
        event.path = current_.text;
        event.text = std::string_view(event.call->written).substr(current_.value_begin, current_.value_size);
    } else if (event.kind == OutputEventKind::kToolCallEnd) {
        event.text = event.call->arguments;
        event.valid = event.call->expected.empty();
    } else {
        event.text = current_.text;
    }
    return event;
}

}  // namespace sluice
