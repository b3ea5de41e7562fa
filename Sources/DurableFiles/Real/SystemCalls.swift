import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The error of the system call that has just failed on this thread.
func lastError(_ path: FilePath, _ call: String) -> DurableFilesError {
    DurableFilesError(Errno(rawValue: errno), path, during: call)
}

/// The error of a synchronisation that has just failed: its code never depends on the number, because the answer to it
/// does not either.
func syncError(_ path: FilePath) -> DurableFilesError {
    let number = Errno(rawValue: errno)
    return DurableFilesError(
        .syncFailed, path, "synchronisation failed: \(number.description.lowercased())", errno: number)
}

/// Throws the thread's error unless the result of a call is zero.
func check(_ result: CInt, _ path: FilePath, _ call: String) throws {
    guard result == 0 else { throw lastError(path, call) }
}

/// Opens a descriptor, going on after interruptions.
func openDescriptor(_ path: FilePath, _ flags: CInt, _ permissions: FilePermissions) throws -> CInt {
    while true {
        let descriptor = open(path.string, flags, permissions.rawValue)
        if descriptor >= 0 { return descriptor }
        guard errno == EINTR else { throw lastError(path, "open") }
    }
}

/// The size of the file behind a descriptor.
func sizeOfFile(_ descriptor: CInt, _ path: FilePath) throws -> UInt64 {
    var status = stat()
    try check(fstat(descriptor, &status), path, "fstat")
    return UInt64(status.st_size)
}

/// `rename(2)`, under a name that the methods of file systems do not shadow.
func renameFile(_ source: String, _ target: String) -> CInt {
    rename(source, target)
}
