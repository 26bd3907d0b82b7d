// sluice for C++17 and later: one owning class per object of the C API, header only, nothing to link but
// the library. Failures arrive as sluicepp::Exception; all else is as the C header of the object says.
//
// The namespace is sluicepp and not sluice: inside the library lives a namespace sluice with its own Model,
// Tokenizer, Router and Session. In a program that links it statically, two classes of one name would be one
// to the linker and chaos to the program.
//
// Rules of all classes
// - Move-only; a moved-from object may only be destroyed or assigned to. An object keeps what it was made
//   from alive, so the order in which they end does not matter.
// - get() lends the C object, for what is not wrapped here; it stays the class's.
// - Options and results are the C structs, made by sized<T>(); a field left zero means its default.
#pragma once

#include "sluicepp/base.hpp"
#include "sluicepp/batch.hpp"
#include "sluicepp/chat_template.hpp"
#include "sluicepp/constraint.hpp"
#include "sluicepp/engine.hpp"
#include "sluicepp/kv_cache.hpp"
#include "sluicepp/model.hpp"
#include "sluicepp/output_parser.hpp"
#include "sluicepp/prefix_tree.hpp"
#include "sluicepp/router.hpp"
#include "sluicepp/session.hpp"
#include "sluicepp/tokenizer.hpp"
