// oneDNN computes on the calling thread alone while one of these lives: the threads are ours. Where it was
// built with OpenMP it would start a team of its own for each caller. The number is the calling thread's own
// setting, and is put back for a host that uses OpenMP too.
#pragma once

#include <dnnl_config.h>

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
#include <omp.h>
#endif

namespace sluice::onednn {

class OneThread {
public:
    OneThread(const OneThread&) = delete;
    OneThread& operator=(const OneThread&) = delete;
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
    OneThread() : before_(omp_get_max_threads()) {
        omp_set_num_threads(1);
    }
    ~OneThread() {
        omp_set_num_threads(before_);
    }

private:
    int before_;
#else
    OneThread() = default;
#endif
};

}  // namespace sluice::onednn
