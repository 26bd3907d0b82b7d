// Finding constraints again. The key is all that they are made from, whole, so that no two are taken for one.
#include "text/grammar/constraint_cache.h"

#include <algorithm>

#include "base/sentence.h"
#include "text/grammar/ebnf.h"
#include "text/grammar/json_schema.h"
#include "text/grammar/regex.h"
#include "text/grammar/spelling.h"
#include "text/grammar/tool_signatures.h"

namespace sluice::grammar {
namespace {

std::string key_of(const ConstraintSource& source) {
    std::string key = sentence(static_cast<int>(source.kind), source.free_whitespace ? 'w' : '-',
                               source.open_objects ? 'o' : '-', source.json_calls ? 'j' : '-',
                               source.one_call ? '1' : '-', source.only_tool.size(), ':', source.only_tool);
    for (const TokenId id : source.end_tokens) key += sentence(',', id);
    key += ';';
    key += source.text;
    return key;
}

}  // namespace

Result<Automaton> compile(const ConstraintSource& source) {
    const bool is_tools = source.kind == ConstraintKind::kTools;
    if (!is_tools && (source.json_calls || source.one_call || !source.only_tool.empty()))
        return make_error(SLUICE_E_INVALID_ARGUMENT,
                          "options of tool calls stand with another kind of constraint");
    if (!is_tools && source.kind != ConstraintKind::kJsonSchema &&
        (source.free_whitespace || source.open_objects))
        return make_error(SLUICE_E_INVALID_ARGUMENT, "options of JSON stand with another kind of constraint");
    switch (source.kind) {
        case ConstraintKind::kJsonSchema:
            return compile_schema(source.text, {Notation::kJson, source.free_whitespace, source.open_objects});
        case ConstraintKind::kGrammar:
            return compile_grammar(source.text);
        case ConstraintKind::kTools:
            return compile_tools(
                source.text, {source.json_calls ? Notation::kJson : Notation::kPython, source.free_whitespace,
                              source.open_objects, source.one_call, source.only_tool});
        case ConstraintKind::kRegex:
            break;
    }
    SLUICE_ASSIGN(characters, compile_regex(source.text, RegexMatch::kWhole));
    AutomatonBuilder builder;
    const RuleId root = builder.add_rule("the regular expression");
    Speller(builder, Spelling::kPlain).add(builder.rule(root).start, characters, builder.rule(root).end);
    return builder.finish(root, "the regular expression");
}

std::shared_ptr<const VocabularyIndex> ConstraintCache::vocabulary(const Tokenizer& tokenizer) {
    const std::lock_guard hold(lock_);
    if (vocabulary_ == nullptr) vocabulary_ = std::make_shared<const VocabularyIndex>(tokenizer);
    return vocabulary_;
}

Result<std::shared_ptr<const Constraint>> ConstraintCache::find_or_make(const Tokenizer& tokenizer,
                                                                        const ConstraintSource& source) {
    std::string key = key_of(source);
    {
        const std::lock_guard hold(lock_);
        const auto known = std::find_if(entries_.begin(), entries_.end(),
                                        [&](const Entry& entry) { return entry.key == key; });
        if (known != entries_.end()) {
            std::rotate(entries_.begin(), known, known + 1);
            return entries_.front().constraint;
        }
    }
    SLUICE_ASSIGN(automaton, compile(source));
    auto made = Constraint::create(std::move(automaton), vocabulary(tokenizer), source.end_tokens);
    const std::lock_guard hold(lock_);
    entries_.push_front({std::move(key), made});
    if (entries_.size() > kKept) entries_.pop_back();
    return made;
}

}  // namespace sluice::grammar
