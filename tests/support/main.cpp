// The one main of every test program. A run in which a test warned "skipped: ..." and nothing failed ends with
// 77, which ctest reports as skipped; a run whose arguments match no test fails.
#define CATCH_CONFIG_RUNNER
#include <string>

#include "support/catch.h"

namespace {

constexpr int kSkipped = 77;
constexpr int kNoTestRan = 2;
bool saw_skip = false;
bool saw_test = false;

#if defined(CATCH_VERSION_MAJOR) && CATCH_VERSION_MAJOR == 2
constexpr bool kEndsOnNoTest = false;
using ListenerBase = Catch::TestEventListenerBase;
using Ended = bool;  // false, as the base says
#else
constexpr bool kEndsOnNoTest = true;
using ListenerBase = Catch::EventListenerBase;
using Ended = void;
#endif

class SkipListener : public ListenerBase {
public:
    using ListenerBase::ListenerBase;

    void testCaseStarting(const Catch::TestCaseInfo& test) override {
        saw_test = true;
        ListenerBase::testCaseStarting(test);
    }

    Ended assertionEnded(const Catch::AssertionStats& assertion) override {
        for (const Catch::MessageInfo& note : assertion.infoMessages) look_at(note.message);
        if (assertion.assertionResult.hasMessage())
            look_at(std::string(assertion.assertionResult.getMessage()));
        return Ended(0);
    }

private:
    static void look_at(const std::string& message) {
        if (message.rfind("skipped:", 0) == 0) saw_skip = true;
    }
};

}  // namespace

CATCH_REGISTER_LISTENER(SkipListener)

int main(int argc, char** argv) {
    Catch::Session session;
    const int wrong_arguments = session.applyCommandLine(argc, argv);
    if (wrong_arguments != 0) return wrong_arguments;
    const int result = session.run();  // failures, or with version 2 how much a --list-... listed
    if (result != 0) return result;
    if (saw_skip) return kSkipped;
    return saw_test || kEndsOnNoTest ? 0 : kNoTestRan;
}
