/* What every other header of sluice builds on: statuses, the error record, versions.
 *
 * Rules that hold for the whole library
 * - Text and names are UTF-8, given as a pointer and a size; they need no terminating zero.
 * - Arrays come back in a buffer of the caller's. A call that fills one takes its capacity and tells
 *   the size needed in *needed, also when the buffer is too small (SLUICE_E_BUFFER_TOO_SMALL, nothing
 *   written). A capacity of 0 with a NULL buffer asks for the size alone and succeeds.
 * - An option struct starts with struct_size = sizeof the struct. A field left zero means its default;
 *   a NULL pointer to an option struct means all defaults. Bytes that this library does not know and
 *   that are not zero are refused with SLUICE_E_UNSUPPORTED.
 * - A result struct starts with struct_size too, set by the caller; the library fills what both know.
 * - Every fallible call returns a status, 0 or negative, and takes a sluice_error last, which may be
 *   NULL. A call that fails leaves every object as it was, and sets *out parameters to NULL.
 * - What you create or open you destroy or close; both take NULL. An object keeps what it was made
 *   from alive, so the order in which you destroy does not matter.
 * - The library never ends the process, never prints, throws no exception across this boundary,
 *   installs no signal handler, opens no socket, changes no locale. It reads one environment
 *   variable, SLUICE_KERNELS, which names the kernel table to use (see engine.h).
 */
#ifndef SLUICE_BASE_H
#define SLUICE_BASE_H

#include <stdint.h>

#if defined(_WIN32) && defined(SLUICE_SHARED)
#if defined(SLUICE_BUILDING)
#define SLUICE_API __declspec(dllexport)
#else
#define SLUICE_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define SLUICE_API __attribute__((visibility("default")))
#else
#define SLUICE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Statuses. New ones are appended; a number never changes its meaning. */
#define SLUICE_OK 0
#define SLUICE_E_INVALID_ARGUMENT (-1)  /* an argument is wrong; the message names it */
#define SLUICE_E_OUT_OF_MEMORY (-2)     /* the system or the engine's byte budget refuses */
#define SLUICE_E_IO (-3)                /* the system could not read or write */
#define SLUICE_E_CORRUPT (-4)           /* a file contradicts itself or its format */
#define SLUICE_E_UNSUPPORTED (-5)       /* well formed, but not something this library does */
#define SLUICE_E_NOT_FOUND (-6)         /* no such file, key, token, kernel table */
#define SLUICE_E_LIMIT (-7)             /* larger than a documented budget */
#define SLUICE_E_CONTEXT_FULL (-8)      /* the KV cache has no room for the tokens */
#define SLUICE_E_BUSY (-9)              /* the object is in use on another thread */
#define SLUICE_E_CANCELLED (-10)        /* cancelled by the caller */
#define SLUICE_E_NUMERIC (-11)          /* a NaN or an infinity appeared in the computation */
#define SLUICE_E_BUFFER_TOO_SMALL (-12) /* *needed tells the capacity that would do */
#define SLUICE_E_CALLBACK_FAILED (-13)  /* a callback of the caller's reported failure */
#define SLUICE_E_STATE (-14)            /* not possible now, for example no tokens were fed yet */
#define SLUICE_E_INTERNAL (-15)         /* a fault of the library; please report it */

/* Which part of the library an error comes from. */
#define SLUICE_SUBSYSTEM_API 1
#define SLUICE_SUBSYSTEM_FILE 2
#define SLUICE_SUBSYSTEM_MODEL 3
#define SLUICE_SUBSYSTEM_TOKENIZER 4
#define SLUICE_SUBSYSTEM_CACHE 5
#define SLUICE_SUBSYSTEM_FORWARD 6
#define SLUICE_SUBSYSTEM_SESSION 7
#define SLUICE_SUBSYSTEM_CHAT 8

/* What went wrong. 256 bytes for ever, owned by the caller, need not be initialised; a successful
 * call sets status to SLUICE_OK and the message to the empty string. */
typedef struct sluice_error {
    int32_t status;
    int32_t subsystem;   /* SLUICE_SUBSYSTEM_..., 0 when status is SLUICE_OK */
    int64_t file_offset; /* where in the file the fault was found, -1 where that makes no sense */
    uint64_t reserved;   /* zero */
    char message[232];   /* one English sentence, zero-terminated, cut at a character border */
} sluice_error;

/* The ABI this library speaks: major << 16 | minor. The same major means that a program compiled
 * against an older minor keeps working. Any thread. */
SLUICE_API uint32_t sluice_abi_version(void);

/* The library's release, for example "0.1.0". Lives as long as the library. Any thread. */
SLUICE_API const char *sluice_version(void);

/* The name of a status, for example "SLUICE_E_CORRUPT"; "SLUICE_E_UNKNOWN" for any other number.
 * Lives as long as the library. Any thread. */
SLUICE_API const char *sluice_status_name(int32_t status);

#ifdef __cplusplus
}
#endif

#endif
