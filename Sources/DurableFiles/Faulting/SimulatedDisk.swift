import SystemPackage

/// The state of a simulated machine's disk: files, names, and the names that are not durable yet. A plain value.
struct SimulatedDisk: Sendable {
    enum Node: Sendable, Hashable {
        case directory
        case file(Int)
    }

    /// A change of names that its directory's synchronisation makes durable.
    private enum NameChange: Sendable {
        case add(FilePath, Node)
        case remove(FilePath)
        case move(FilePath, FilePath)

        var path: FilePath {
            switch self {
            case .add(let path, _), .remove(let path), .move(_, let path): path
            }
        }
    }

    private(set) var names: [FilePath: Node] = ["/": .directory]
    private var durableNames: [FilePath: Node] = ["/": .directory]
    private var pending: [NameChange] = []
    var files: [SimulatedFile] = []

    func node(_ path: FilePath) -> Node? { names[path.lexicallyNormalized()] }

    func parentExists(of path: FilePath) -> Bool {
        names[path.lexicallyNormalized().removingLastComponent()] == .directory
    }

    func children(of directory: FilePath) -> [String] {
        let directory = directory.lexicallyNormalized()
        let inside = names.keys.filter { $0 != directory && $0.removingLastComponent() == directory }
        return inside.compactMap { $0.lastComponent?.string }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    mutating func addFile(_ path: FilePath) -> Int {
        files.append(SimulatedFile())
        change(.add(path.lexicallyNormalized(), .file(files.count - 1)))
        return files.count - 1
    }

    mutating func addDirectory(_ path: FilePath) { change(.add(path.lexicallyNormalized(), .directory)) }

    mutating func remove(_ path: FilePath) { change(.remove(path.lexicallyNormalized())) }

    mutating func move(_ source: FilePath, to target: FilePath) {
        change(.move(source.lexicallyNormalized(), target.lexicallyNormalized()))
    }

    mutating func synchronizeNames(in directory: FilePath) {
        let directory = directory.lexicallyNormalized()
        for change in pending where change.path.removingLastComponent() == directory {
            Self.apply(change, to: &durableNames)
        }
        pending.removeAll { $0.path.removingLastComponent() == directory }
    }

    /// Bytes of all files that have a name.
    var usedBytes: Int {
        names.values.reduce(0) { sum, node in
            guard case .file(let number) = node else { return sum }
            return sum + files[number].cached.count
        }
    }

    /// What is left after power loss: a prefix of the changes of names, and of each file what the generator chooses.
    mutating func losePower(_ generator: inout SeededGenerator) {
        let kept = Int.random(in: 0...pending.count, using: &generator)
        for change in pending.prefix(kept) { Self.apply(change, to: &durableNames) }
        pending = []
        // A name whose directory did not survive is gone with it.
        names = durableNames.filter { path, _ in
            sequence(first: path.removingLastComponent()) { $0 == "/" ? nil : $0.removingLastComponent() }
                .allSatisfy { durableNames[$0] == .directory }
        }
        durableNames = names
        for number in files.indices { files[number].losePower(&generator) }
    }

    private mutating func change(_ change: NameChange) {
        Self.apply(change, to: &names)
        pending.append(change)
    }

    private static func apply(_ change: NameChange, to names: inout [FilePath: Node]) {
        switch change {
        case .add(let path, let node): names[path] = node
        case .remove(let path): names[path] = nil
        case .move(let source, let target):
            if let node = names.removeValue(forKey: source) { names[target] = node }
        }
    }
}
