/// Turns the states of objects into what happened between them.
///
/// A value without time, disk or network: the same objects in the same order give the same observations. The API server
/// sends states, not changes, and leaves states out when it is busy or the connection breaks; so every decision here follows
/// from a state and the memory, never from the type of a watch event alone.
struct ClusterObserver: Sendable {
    let cluster: ClusterObservation.Cluster
    private(set) var memory: ClusterMemory

    /// - Parameter memory: Of an earlier run; that of another cluster is forgotten.
    init(cluster: ClusterObservation.Cluster, memory: ClusterMemory = ClusterMemory()) {
        self.cluster = cluster
        self.memory = memory.cluster == cluster.uid ? memory : ClusterMemory()
        self.memory.cluster = cluster.uid
    }

    // MARK: Pods

    /// A pod as it is now.
    mutating func observe(_ pod: KubernetesObjects.Pod, now: String) -> [ClusterObservation] {
        guard let uid = pod.metadata.uid, let name = pod.metadata.name else { return [] }
        let identity = ClusterObservation.Pod(
            name: name, uid: uid, node: pod.spec?.nodeName, serviceAccount: pod.spec?.serviceAccountName,
            owner: pod.metadata.owner)
        var entry = memory.pods[uid] ?? ClusterMemory.Pod(namespace: pod.metadata.namespace, pod: identity)
        entry.pod = identity
        var seen: [ClusterObservation] = []
        let status = pod.status
        for (type, statuses) in [
            ("init", status?.initContainerStatuses), ("container", status?.containerStatuses),
            ("ephemeral", status?.ephemeralContainerStatuses),
        ] {
            for status in statuses ?? [] { observe(status, type: type, in: &entry, now: now, &seen) }
        }
        memory.pods[uid] = entry
        return seen
    }

    /// A pod that is gone, with its last state: what still ran in it has ended.
    mutating func remove(_ pod: KubernetesObjects.Pod, now: String) -> [ClusterObservation] {
        var seen = observe(pod, now: now)
        if let uid = pod.metadata.uid {
            seen += endPod(uid, at: pod.metadata.deletionTimestamp, now: now)
        }
        return seen
    }

    /// All pods that exist: those that are remembered and not among them went while nobody watched.
    mutating func removePods(except present: Set<String>, now: String) -> [ClusterObservation] {
        memory.pods.keys.filter { !present.contains($0) }.sorted().flatMap { endPod($0, at: nil, now: now) }
    }

    private mutating func endPod(_ uid: String, at time: String?, now: String) -> [ClusterObservation] {
        guard let entry = memory.pods.removeValue(forKey: uid) else { return [] }
        return entry.containers.sorted { $0.key < $1.key }.filter { !$0.value.ended }.map { id, container in
            let end = ClusterObservation.End(reason: "PodDeleted", finishedAt: time, inferred: true)
            return observation("ended", id, container, restarts: nil, entry, time: time, now: now, end: end)
        }
    }

    private func observe(
        _ status: KubernetesObjects.ContainerStatus, type: String, in entry: inout ClusterMemory.Pod, now: String,
        _ seen: inout [ClusterObservation]
    ) {
        /// What a state says of one container: first that it started, then, when it has, that it ended.
        func tell(
            _ id: String, startedAt: String?, restarts: Int?, _ terminated: KubernetesObjects.ContainerState.Terminated?
        ) {
            var container = entry.containers[id]
            if container == nil {
                let new = ClusterMemory.Container(
                    name: status.name, type: type, image: status.image, imageID: status.imageID, startedAt: startedAt)
                seen.append(
                    observation("started", id, new, restarts: restarts, entry, time: startedAt, now: now, end: nil))
                container = new
            }
            if let terminated, var known = container, !known.ended {
                let end = ClusterObservation.End(
                    exitCode: terminated.exitCode, signal: terminated.signal, reason: terminated.reason,
                    finishedAt: terminated.finishedAt)
                seen.append(
                    observation(
                        "ended", id, known, restarts: restarts, entry, time: terminated.finishedAt, now: now, end: end))
                known.ended = true
                container = known
            }
            entry.containers[id] = container
        }
        var current: Set<String> = []
        if let last = status.lastState?.terminated, let id = last.containerID, !id.isEmpty {
            tell(id, startedAt: last.startedAt, restarts: status.restartCount.map { $0 - 1 }, last)
            current.insert(id)
        }
        if let ended = status.state?.terminated {
            if let id = ended.containerID ?? status.containerID, !id.isEmpty {
                tell(id, startedAt: ended.startedAt, restarts: status.restartCount, ended)
                current.insert(id)
            }
        } else if let running = status.state?.running, let id = status.containerID, !id.isEmpty {
            tell(id, startedAt: running.startedAt, restarts: status.restartCount, nil)
            current.insert(id)
        }
        // A container that restarts again and again would fill the memory with what can never be shown again.
        guard !current.isEmpty else { return }
        for (id, container) in entry.containers.sorted(by: { $0.key < $1.key })
        where container.name == status.name && container.type == type && !current.contains(id) {
            if !container.ended {
                let end = ClusterObservation.End(reason: "Replaced", inferred: true)
                seen.append(observation("ended", id, container, restarts: nil, entry, time: nil, now: now, end: end))
            }
            entry.containers[id] = nil
        }
    }

    private func observation(
        _ change: String, _ id: String, _ container: ClusterMemory.Container, restarts: Int?,
        _ entry: ClusterMemory.Pod,
        time: String?, now: String, end: ClusterObservation.End?
    ) -> ClusterObservation {
        ClusterObservation(
            id: "\(cluster.uid ?? cluster.name)/\(entry.pod.uid)/\(id)/\(change)",
            kind: ClusterObservation.containerKind,
            change: change, time: time ?? now, observedAt: now, cluster: cluster, namespace: entry.namespace,
            pod: entry.pod,
            container: .init(
                name: container.name, id: id, type: container.type, image: container.image,
                imageID: container.imageID,
                digest: ClusterObservation.digest(ofImageID: container.imageID), restarts: restarts,
                startedAt: container.startedAt),
            end: end)
    }

    // MARK: Workloads

    /// A workload as it is now; nothing when its specification is the one that was told.
    mutating func observe(_ workload: KubernetesObjects.Workload, kind: String, now: String) -> [ClusterObservation] {
        let metadata = workload.metadata
        // What a controller made follows from the controller's own specification; it would only be told twice.
        guard let uid = metadata.uid, let name = metadata.name,
            metadata.ownerReferences?.contains(where: { $0.controller == true }) != true
        else { return [] }
        let known = memory.workloads[uid]
        memory.workloads[uid] = ClusterMemory.Workload(
            kind: kind, namespace: metadata.namespace, name: name, generation: metadata.generation,
            images: workload.images)
        guard known == nil || known?.generation != metadata.generation else { return [] }
        // Managed fields of a subresource are controllers writing status.
        let manager = (metadata.managedFields ?? []).filter { ($0.subresource ?? "").isEmpty }
            .max { ($0.time ?? "") < ($1.time ?? "") }
        let change = known == nil && (metadata.generation ?? 1) <= 1 ? "created" : "updated"
        let time = change == "created" ? metadata.creationTimestamp : manager?.time
        return [
            ClusterObservation(
                id: "\(cluster.uid ?? cluster.name)/\(uid)/\(metadata.generation ?? 0)",
                kind: ClusterObservation.workloadKind,
                change: change, time: time ?? now, observedAt: now, cluster: cluster, namespace: metadata.namespace,
                workload: .init(
                    kind: kind, name: name, uid: uid, generation: metadata.generation,
                    replicas: workload.spec?.replicas,
                    images: workload.images,
                    previousImages: known.flatMap { $0.images == workload.images ? nil : $0.images },
                    manager: manager?.manager, changeCause: metadata.annotations?["kubernetes.io/change-cause"]))
        ]
    }

    /// A workload that is gone.
    mutating func remove(_ workload: KubernetesObjects.Workload, now: String) -> [ClusterObservation] {
        guard let uid = workload.metadata.uid else { return [] }
        return endWorkload(uid, at: workload.metadata.deletionTimestamp, now: now)
    }

    /// All workloads of a kind that exist.
    mutating func removeWorkloads(_ kind: String, except present: Set<String>, now: String) -> [ClusterObservation] {
        memory.workloads.filter { $0.value.kind == kind && !present.contains($0.key) }.map(\.key).sorted()
            .flatMap { endWorkload($0, at: nil, now: now) }
    }

    private mutating func endWorkload(_ uid: String, at time: String?, now: String) -> [ClusterObservation] {
        guard let known = memory.workloads.removeValue(forKey: uid) else { return [] }
        return [
            ClusterObservation(
                id: "\(cluster.uid ?? cluster.name)/\(uid)/deleted", kind: ClusterObservation.workloadKind,
                change: "deleted",
                time: time ?? now, observedAt: now, cluster: cluster, namespace: known.namespace,
                workload: .init(
                    kind: known.kind, name: known.name, uid: uid, generation: known.generation, images: known.images))
        ]
    }
}
