package import EventModel

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The system's clock of the day.
package enum WallClock {
    @Sendable package static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Whole seconds since 1970.
    @Sendable package static func seconds() -> UInt64 { UInt64(clamping: now().seconds) }
}
