/* Everything that is stable in sluice. Start with session.h; base.h holds the rules of all. */
#ifndef SLUICE_H
#define SLUICE_H

#include <sluice/base.h>
#include <sluice/batch.h>
#include <sluice/chat_template.h>
#include <sluice/constraint.h>
#include <sluice/engine.h>
#include <sluice/kv_cache.h>
#include <sluice/model.h>
#include <sluice/output_parser.h>
#include <sluice/prefix_tree.h>
#include <sluice/router.h>
#include <sluice/session.h>
#include <sluice/tokenizer.h>

#endif
