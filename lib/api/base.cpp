#include <sluice/base.h>

#include "api/version.h"

uint32_t sluice_abi_version(void) {
    return sluice::kAbiMajor << 16 | sluice::kAbiMinor;
}

const char* sluice_version(void) {
    return sluice::kVersion;
}

const char* sluice_status_name(int32_t status) {
    switch (status) {
        case SLUICE_OK:
            return "SLUICE_OK";
        case SLUICE_E_INVALID_ARGUMENT:
            return "SLUICE_E_INVALID_ARGUMENT";
        case SLUICE_E_OUT_OF_MEMORY:
            return "SLUICE_E_OUT_OF_MEMORY";
        case SLUICE_E_IO:
            return "SLUICE_E_IO";
        case SLUICE_E_CORRUPT:
            return "SLUICE_E_CORRUPT";
        case SLUICE_E_UNSUPPORTED:
            return "SLUICE_E_UNSUPPORTED";
        case SLUICE_E_NOT_FOUND:
            return "SLUICE_E_NOT_FOUND";
        case SLUICE_E_LIMIT:
            return "SLUICE_E_LIMIT";
        case SLUICE_E_CONTEXT_FULL:
            return "SLUICE_E_CONTEXT_FULL";
        case SLUICE_E_BUSY:
            return "SLUICE_E_BUSY";
        case SLUICE_E_CANCELLED:
            return "SLUICE_E_CANCELLED";
        case SLUICE_E_NUMERIC:
            return "SLUICE_E_NUMERIC";
        case SLUICE_E_BUFFER_TOO_SMALL:
            return "SLUICE_E_BUFFER_TOO_SMALL";
        case SLUICE_E_CALLBACK_FAILED:
            return "SLUICE_E_CALLBACK_FAILED";
        case SLUICE_E_STATE:
            return "SLUICE_E_STATE";
        case SLUICE_E_INTERNAL:
            return "SLUICE_E_INTERNAL";
        default:
            return "SLUICE_E_UNKNOWN";
    }
}
