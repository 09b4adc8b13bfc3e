/** The host whose queues take the acts of the benchmark. */
export const BENCH_HOST = 'bench';
