#include <sluice/constraint.h>

#include "api/guard.h"
#include "api/objects.h"
#include "api/options.h"
#include "text/grammar/constraint_cache.h"

namespace sluice {
namespace {

constexpr std::uint32_t kMaxEndTokens = 64;

Done check_token(const Tokenizer& tokenizer, std::int32_t id, std::string_view name) {
    if (id >= 0 && static_cast<std::size_t>(id) < tokenizer.size()) return Nothing{};
    return make_error(SLUICE_E_INVALID_ARGUMENT, name, " ", id, " is outside the vocabulary of ",
                      tokenizer.size());
}

Result<grammar::ConstraintSource> read_source_of(const sluice_constraint_options& known,
                                                 const Tokenizer& tokenizer) {
    SLUICE_TRY(check_reserved("options", known.reserved, known.reserved_pointer));
    SLUICE_TRY(check_flags("options.flags", known.flags,
                           SLUICE_CONSTRAINT_FREE_WHITESPACE | SLUICE_CONSTRAINT_OPEN_OBJECTS |
                               SLUICE_CONSTRAINT_JSON_CALLS | SLUICE_CONSTRAINT_ONE_CALL));
    if (known.kind < SLUICE_CONSTRAINT_JSON_SCHEMA || known.kind > SLUICE_CONSTRAINT_TOOLS)
        return make_error(SLUICE_E_INVALID_ARGUMENT, "options.kind is ", known.kind);
    grammar::ConstraintSource source;
    source.kind = static_cast<grammar::ConstraintKind>(known.kind);
    source.free_whitespace = (known.flags & SLUICE_CONSTRAINT_FREE_WHITESPACE) != 0;
    source.open_objects = (known.flags & SLUICE_CONSTRAINT_OPEN_OBJECTS) != 0;
    source.json_calls = (known.flags & SLUICE_CONSTRAINT_JSON_CALLS) != 0;
    source.one_call = (known.flags & SLUICE_CONSTRAINT_ONE_CALL) != 0;
    SLUICE_ASSIGN(text, read_text_argument(known.text.data, known.text.size, "options.text"));
    SLUICE_ASSIGN(tool, read_text_argument(known.tool.data, known.tool.size, "options.tool"));
    source.text = text;
    source.only_tool = tool;
    if (known.n_end_tokens > kMaxEndTokens) {
        return make_error(SLUICE_E_LIMIT, known.n_end_tokens, " end tokens are more than ", kMaxEndTokens);
    }
    if (known.n_end_tokens > 0) SLUICE_TRY(check_pointer(known.end_tokens, "options.end_tokens"));
    for (std::uint32_t i = 0; i < known.n_end_tokens; ++i) {
        SLUICE_TRY(check_token(tokenizer, known.end_tokens[i], "end token"));
        source.end_tokens.push_back(known.end_tokens[i]);
    }
    return source;
}

Result<std::int32_t> judge(const grammar::Constraint& constraint, std::string_view text) {
    grammar::Matcher matcher = constraint.matcher();
    const Done done = matcher.accept(text);
    if (!done && done.error().status != SLUICE_E_INVALID_ARGUMENT) return done.error();
    if (!done) return SLUICE_CONSTRAINT_REFUSED;
    return matcher.is_complete() ? SLUICE_CONSTRAINT_COMPLETE : SLUICE_CONSTRAINT_BEGUN;
}

}  // namespace
}  // namespace sluice

using namespace sluice;

int32_t sluice_constraint_create(const sluice_tokenizer* tokenizer, const sluice_constraint_options* options,
                                 sluice_constraint** constraint, sluice_error* error) {
    if (constraint != nullptr) *constraint = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_TOKENIZER, [&]() -> Done {
        SLUICE_TRY(check_pointer(tokenizer, "tokenizer"));
        SLUICE_TRY(check_pointer(options, "options"));
        SLUICE_TRY(check_pointer(constraint, "constraint"));
        SLUICE_ASSIGN(known, read_options(options, "options"));
        const auto& object = tokenizer->object;
        SLUICE_ASSIGN(source, read_source_of(known, *object));
        SLUICE_ASSIGN(made, object->constraints().find_or_make(*object, source));
        *constraint = new sluice_constraint{object, std::move(made)};
        return Nothing{};
    });
}

void sluice_constraint_destroy(sluice_constraint* constraint) {
    delete constraint;
}

int32_t sluice_constraint_describe(const sluice_constraint* constraint, sluice_constraint_info* info,
                                   sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_TOKENIZER, [&]() -> Done {
        SLUICE_TRY(check_pointer(constraint, "constraint"));
        const grammar::Constraint& object = *constraint->object;
        const grammar::ConstraintStatistics statistics = object.statistics();
        sluice_constraint_info filled = {};
        filled.n_states = static_cast<std::uint32_t>(object.automaton().n_states());
        filled.n_rules = static_cast<std::uint32_t>(object.automaton().n_rules());
        filled.masks_computed = statistics.masks_computed;
        filled.masks_found = statistics.masks_found;
        filled.memory = statistics.memory;
        filled.vocabulary_memory = object.vocabulary().memory();
        return write_info(info, filled, "info");
    });
}

int32_t sluice_constraint_judge(const sluice_constraint* constraint, const char* text, uint64_t text_size,
                                int32_t* verdict, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_TOKENIZER, [&]() -> Done {
        SLUICE_TRY(check_pointer(constraint, "constraint"));
        SLUICE_TRY(check_pointer(verdict, "verdict"));
        SLUICE_ASSIGN(given, read_text_argument(text, text_size, "text"));
        SLUICE_ASSIGN(found, judge(*constraint->object, given));
        *verdict = found;
        return Nothing{};
    });
}

int32_t sluice_session_constrain(sluice_session* session, const sluice_constraint* constraint,
                                 int32_t after_token, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_SESSION, [&]() -> Done {
        SLUICE_TRY(check_pointer(session, "session"));
        const Turn turn(*session->object->cache);
        SLUICE_TRY(turn.check());
        Session& object = *session->object->session;
        if (constraint == nullptr) {
            if (after_token != kNoToken)
                return make_error(SLUICE_E_INVALID_ARGUMENT, "after_token is ", after_token,
                                  " without a constraint");
            return object.constrain(AnswerConstraint());
        }
        const auto& tokenizer = session->object->model->model->tokenizer();
        if (tokenizer != constraint->tokenizer)
            return make_error(SLUICE_E_INVALID_ARGUMENT,
                              "the constraint was not made for the model's tokenizer");
        if (after_token != kNoToken) SLUICE_TRY(check_token(*tokenizer, after_token, "after_token"));
        return object.constrain(AnswerConstraint(constraint->object, after_token));
    });
}
