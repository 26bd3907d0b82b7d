// Sanitizers and emulators compute 10 to 50 times slower: there, tests that only repeat themselves on more of
// the same data take less of it.
#pragma once

#if defined(SLUICE_SLOW_BUILD)
constexpr bool kIsSlowBuild = true;
#else
constexpr bool kIsSlowBuild = false;
#endif
