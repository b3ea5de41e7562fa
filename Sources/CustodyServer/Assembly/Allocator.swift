#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What of the C library's allocator a server sets and asks for. Its functions are looked up, since no header that Swift sees
/// declares them, and other libraries lack them: then nothing is set, and everything works as well.
enum Allocator {
    /// Bytes from which a block of memory is mapped by itself, so that it goes back to the system when it is freed. The library
    /// raises its own limit up to 32 MiB as such blocks are freed, after which buffers of segments stay in its pools.
    static let mappedBytes: Int32 = 1 << 20
    /// Free bytes at the end of a pool from which they go back: else, twice the limit above.
    static let trimBytes: Int32 = 4 << 20
    /// Pools that threads share: by itself, eight for each core, each with what its busiest moment needed.
    static let pools: Int32 = 4

    /// Sets all this, once, before the server's own threads begin: a pool that there is already stays. What the environment says
    /// of it (`GLIBC_TUNABLES`) is overridden.
    static func configure() {
        guard let set: @convention(c) (Int32, Int32) -> Int32 = function("mallopt") else { return }
        // The numbers are those of <malloc.h>: M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_ARENA_MAX.
        _ = set(-3, mappedBytes)
        _ = set(-1, trimBytes)
        _ = set(-8, pools)
    }

    /// `malloc_trim`: gives back what is free, but for so many bytes at the end of each pool.
    static let trim: (@convention(c) (Int) -> Int32)? = function("malloc_trim")

    private static func function<Function>(_ name: String) -> Function? {
        guard let symbol = dlsym(nil, name) else { return nil }
        return unsafeBitCast(symbol, to: Function.self)
    }
}
