import EventModel

/// A month of a company's ordinary work, as its systems report it: people at their desks and on the way, releases on
/// Thursdays, deployments, update robots, a new colleague, a secret that is rotated. The same every time.
struct QuietMonth {
    struct Delivery {
        let source: String
        let connector: String
        var headers: [String: String] = [:]
        let body: String
    }

    static let days = 30
    /// Deliveries of a working day, and of a day of the weekend.
    static let perDay = (work: 260, rest: 60)

    private static let people = ["ada", "bruno", "chen", "dara", "emil", "fatou", "goran", "hana"]
    private static let repositories = ["till", "scale", "orders", "ledger", "site", "docs"]
    private static let packages = ["express@4.21.1", "zod@3.23.8", "vite@5.4.11", "undici@6.21.0", "left-pad@1.3.0"]

    private var numbers: SeededNumbers
    private var released: [String: Int] = [:]
    /// Digests that the registry has, by repository.
    private var images: [String: String] = [:]
    private(set) var day = 0

    init(seed: UInt64) { numbers = SeededNumbers(seed: seed) }

    /// The next delivery of a day (from 0), and how long after the one before it comes.
    mutating func next(day: Int) -> (delivery: Delivery, after: Int64) {
        self.day = day
        let isRest = day % 7 >= 5
        let seconds = Int64(86_400 / (isRest ? Self.perDay.rest : Self.perDay.work))
        let after = (seconds / 2 + Int64(numbers.below(Int(seconds)))) * 1_000_000_000
        return (delivery(), after)
    }

    private mutating func delivery() -> Delivery {
        let person = numbers.pick(Self.people)
        let repository = numbers.pick(Self.repositories)
        switch numbers.below(100) {
        case 0..<8: return push(person, repository)
        case 8..<16: return pullRequest(person, repository)
        case 16..<26: return workflowRun(person, repository)
        case 26..<40: return audit(person, repository)
        case 40..<46: return job(person, repository)
        case 46..<62: return download()
        case 62..<76: return registry(repository)
        case 76..<94: return cluster(person, repository)
        case 94..<97: return cloud(repository)
        case 97..<99: return sync(repository)
        default: return release(repository)
        }
    }

    private mutating func hexadecimal(_ count: Int) -> String {
        var text = ""
        while text.utf8.count < count {
            let word = String(numbers.next(), radix: 16)
            text += String(repeating: "0", count: 16 - word.utf8.count) + word
        }
        return String(text.prefix(count))
    }

    /// People have a desk, a home and a telephone, each with its network.
    private mutating func address(of person: String) -> String {
        let number = Self.people.firstIndex(of: person) ?? 0
        return switch numbers.below(10) {
        case 0..<6: "10.20.\(number).\(10 + numbers.below(40))"
        case 6..<9: "198.18.\(number).\(10 + numbers.below(5))"
        default: "198.19.\(number).\(1 + numbers.below(200))"
        }
    }

    // MARK: Source control

    private func hook(_ event: String, _ members: String, _ repository: String, _ sender: String, isBot: Bool = false)
        -> Delivery
    {
        let body = """
            {\(members),"repository":{"id":7,"node_id":"R_7","name":"\(repository)","full_name":"acorn/\(repository)",\
            "private":true,"owner":{"login":"acorn"},"html_url":"https://github.com/acorn/\(repository)",\
            "url":"https://api.github.com/repos/acorn/\(repository)"},"organization":{"login":"acorn"},\
            "sender":{"login":"\(sender)","id":1,"node_id":"U_1","type":"\(isBot ? "Bot" : "User")"}}
            """
        return Delivery(
            source: "github", connector: "github-webhook",
            headers: ["X-GitHub-Event": event, "X-GitHub-Delivery": "{delivery}"], body: body)
    }

    private mutating func push(_ person: String, _ repository: String) -> Delivery {
        let after = hexadecimal(40)
        let (before, isMerge, isRobot) = (hexadecimal(40), numbers.below(3) == 0, numbers.below(6) == 0)
        let sender = isRobot ? "renovate[bot]" : person
        let ref = isMerge ? "refs/heads/main" : isRobot ? "refs/heads/renovate/all" : "refs/heads/\(person)/work"
        let committer = isMerge ? "web-flow" : sender
        let message = isMerge ? "Merge pull request #\(numbers.below(900)) from \(person)/work" : "Speed up the sort"
        let files = numbers.pick([
            "src/main.c", "README.md", ".github/workflows/ci.yml", "package.json", "package-lock.json",
        ])
        // Workflows and lock files change through pull requests, or on branches of one's own.
        let file = isMerge || !isRobot && files.hasPrefix("src") ? files : "src/lib.c"
        let commit = """
            {"id":"\(after)","message":"\(message)","timestamp":"{time}","author":{"username":"\(person)"},\
            "committer":{"username":"\(committer)"},"added":[],"removed":[],"modified":["\(file)"]}
            """
        let isForced = !isMerge && numbers.below(4) == 0
        return hook(
            "push",
            """
            "ref":"\(ref)","before":"\(before)","after":"\(after)","created":false,"deleted":false,"forced":\(isForced),\
            "commits":[\(commit)],"head_commit":\(commit),"pusher":{"name":"\(sender)"}
            """, repository, sender, isBot: isRobot)
    }

    private mutating func pullRequest(_ person: String, _ repository: String) -> Delivery {
        let number = numbers.below(900)
        let title = numbers.pick([
            "Speed up `sort` for short inputs", "fix: price & tax (again)", "Bump zod from 3.23.7 to 3.23.8",
            "Docs: how to $HOME", "Remove unused code; tidy",
        ])
        return hook(
            "pull_request",
            """
            "action":"\(numbers.pick(["opened", "synchronize", "edited"]))","number":\(number),"pull_request":{"id":\(number),\
            "number":\(number),"title":"\(title)","user":{"login":"\(person)"},"head":{"ref":"\(person)/work",\
            "sha":"\(hexadecimal(40))","repo":{"fork":false,"full_name":"acorn/\(repository)"}},"base":{"ref":"main"},\
            "updated_at":"{time}"}
            """, repository, person)
    }

    private mutating func workflowRun(_ person: String, _ repository: String) -> Delivery {
        let isFork = numbers.below(30) == 0
        return hook(
            "workflow_run",
            """
            "action":"completed","workflow_run":{"id":\(numbers.below(1 << 30)),"name":"ci","path":".github/workflows/ci.yml",\
            "event":"\(isFork ? "pull_request" : "push")","head_branch":"main","head_sha":"\(hexadecimal(40))","run_attempt":1,\
            "status":"completed","conclusion":"\(numbers.below(12) == 0 ? "failure" : "success")","created_at":"{time}",\
            "updated_at":"{time}","head_repository":{"full_name":"x/\(repository)","fork":\(isFork)},\
            "referenced_workflows":[{"path":"acorn/shared/.github/workflows/build.yml@refs/tags/v3.1","ref":"refs/tags/v3.1",\
            "sha":"5d1fa2a4bb6d1d3e5d1fa2a4bb6d1d3e5d1fa2a4"},{"path":"acorn/shared/.github/workflows/lint.yml@refs/heads/main",\
            "ref":"refs/heads/main","sha":"\(hexadecimal(40))"}],"pull_requests":[]},"workflow":{"name":"ci"}
            """, repository, person)
    }

    private mutating func release(_ repository: String) -> Delivery {
        let count = released[repository, default: 0] + 1
        released[repository] = count
        let version = "2.\(count).0"
        if numbers.below(2) == 0 {
            return hook(
                "release",
                """
                "action":"published","release":{"id":\(count),"tag_name":"v\(version)","draft":false,"published_at":"{time}",\
                "author":{"login":"acorn-release[bot]"},"assets":[]}
                """, repository, "acorn-release[bot]", isBot: true)
        }
        return hook(
            "package",
            """
            "action":"published","package":{"id":8,"name":"\(repository)-client","namespace":"acorn","package_type":"npm",\
            "created_at":"{time}","updated_at":"{time}","package_version":{"version":"\(version)","created_at":"{time}",\
            "updated_at":"{time}"}}
            """, repository, "acorn-release[bot]", isBot: true)
    }

    private mutating func audit(_ person: String, _ repository: String) -> Delivery {
        var (actor, isBot, more) = (person, false, "\"user_agent\":\"git/2.43.0\"")
        let action: String
        switch numbers.below(300) {
        case 0: action = "personal_access_token.access_granted"
        case 1: (action, more) = ("repo.add_member", #""user":"\#(numbers.pick(Self.people))","permission":"write""#)
        case 2: action = "repo.create_actions_secret"
        case 3:
            (action, more) = (
                "hook.create", #""hook_id":\#(numbers.below(99)),"config":{"url":"https://hooks.acorn.example"}"#
            )
        case 4: action = "integration_installation.repositories_added"
        case 5: action = "protected_branch.create"
        case 6: action = "repo.create"
        case 7: (action, more) = ("team.add_member", #""user":"new-\#(day)","team":"acorn/shop""#)
        case 8: action = "repo.update_default_branch"
        case 9..<60: (action, actor, isBot) = ("git.push", "renovate[bot]", true)
        default: action = numbers.pick(["git.fetch", "git.fetch", "git.clone", "git.push", "pull_request.merge"])
        }
        let ip = isBot ? "10.20.99.4" : address(of: person)
        let body = """
            {"@timestamp":"{ms}","_document_id":"{delivery}","action":"\(action)","actor":"\(actor)","actor_ip":"\(ip)",\
            "actor_is_bot":\(isBot),"actor_location":{"country_code":"DE"},"org":"acorn","repo":"acorn/\(repository)",\
            \(more),"created_at":"{ms}"}
            """
        return Delivery(source: "github-audit", connector: "github-audit-log", body: body)
    }

    // MARK: Builds, packages and images

    private mutating func job(_ person: String, _ repository: String) -> Delivery {
        let digest = hexadecimal(64)
        let isBuild = numbers.below(3) == 0
        if isBuild { images[repository] = digest }
        let artifacts =
            isBuild ? #","artifacts":[{"name":"\#(repository)","digest":{"sha256":"\#(digest)"},"size":7}]"# : ""
        let body = """
            {"object_kind":"build","event_id":"{delivery}","event_time":"{time}","ref":"main","sha":"\(hexadecimal(40))",\
            "build_id":\(numbers.below(1 << 20)),"build_name":"\(isBuild ? "build" : "test"):\(repository)","build_stage":"build",\
            "build_status":"success","pipeline_id":9,"runner":{"id":4,"description":"runner-\(numbers.below(4))"},\
            "user":{"id":1,"name":"\(person)","username":"\(person)"},"project":{"path_with_namespace":"acorn/\(repository)"},\
            "repository":{"name":"\(repository)"}\(artifacts)}
            """
        return Delivery(
            source: "gitlab", connector: "gitlab-webhook", headers: ["X-Gitlab-Event": "Job Hook"], body: body)
    }

    private mutating func download() -> Delivery {
        // A version has one content; new versions and now and then a new package come along.
        var name = numbers.pick(Self.packages)
        if numbers.below(40) == 0 { name = "express@4.\(22 + day).0" }
        if numbers.below(400) == 0 { name = "helper-\(day)@1.0.0" }
        var content = SeededNumbers(seed: name.utf8.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) })
        let digest = (0..<4).map { _ in String(1_000_000_000_000_000 + content.next() % 1_000_000_000_000_000) }
            .joined()
        let isMissing = numbers.below(60) == 0
        let body = """
            {"type":"package.download","id":"{delivery}","time":"{time}","ecosystem":"npm","purl":"pkg:npm/\(name)",\
            "sha256":"\(digest)","bytes":9000,"client":{"user":"ci-runner-\(numbers.below(6))","ip":"10.20.5.\(numbers.below(9))",\
            "user_agent":"npm/10.8.1 node/v20.15.0 linux x64"},"status":\(isMissing ? 404 : 200),"latency_ms":12}
            """
        return Delivery(source: "packages", connector: "generic", body: body)
    }

    private mutating func registry(_ repository: String) -> Delivery {
        let isPush = numbers.below(8) == 0
        if isPush { images[repository] = hexadecimal(64) }
        let digest = images[repository] ?? String(repeating: "ab12", count: 16)
        let tag = isPush ? numbers.pick(["build-\(numbers.below(1 << 20))", "main"]) : "main"
        let body = """
            {"events":[{"id":"{delivery}","timestamp":"{time}","action":"\(isPush ? "push" : "pull")","target":{"mediaType":\
            "application/vnd.oci.image.manifest.v1+json","size":1500,"digest":"sha256:\(digest)","repository":"acorn/\(repository)",\
            "url":"https://registry.acorn.example/v2/acorn/\(repository)/manifests/sha256:\(digest)","tag":"\(tag)"},\
            "request":{"id":"r","addr":"10.20.9.\(numbers.below(12)):50123","host":"registry.acorn.example",\
            "method":"\(isPush ? "PUT" : "GET")","useragent":"\(isPush ? "buildkit/v0.14" : "containerd/1.7.18")"},\
            "actor":{"name":"\(isPush ? "ci-release" : "node-puller")"}}]}
            """
        return Delivery(source: "registry", connector: "oci-distribution-notification", body: body)
    }

    // MARK: Deployment and cloud

    private mutating func cluster(_ person: String, _ repository: String) -> Delivery {
        var (verb, resource, sub, user, agent, code, more) = (
            "list", "pods", "", "system:kube-scheduler", "kube-scheduler/v1.31", 200, ""
        )
        var name = "\(repository)-1"
        switch numbers.below(60) {
        case 0..<4:
            let digest = images[repository] ?? String(repeating: "ab12", count: 16)
            (verb, resource, user, agent) = (
                "patch", "deployments", "system:serviceaccount:argocd:argocd-application-controller", "argocd/2.11"
            )
            name = repository
            more = """
                ,"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"app",\
                "image":"registry.acorn.example/acorn/\(repository)@sha256:\(digest)"}]}}}}
                """
        case 4..<16:
            (verb, resource, user, agent) = (
                "get", "secrets", "system:serviceaccount:shop:\(repository)", "\(repository)/1.4"
            )
            name = "\(repository)-db"
        case 16..<28:
            (verb, sub, user, agent) = ("get", #""subresource":"log","#, person, "kubectl/v1.31.1")
        case 28: (verb, resource, user, agent, code) = ("get", "secrets", person, "kubectl/v1.31.1", 403)
        case 29:
            (verb, sub, user, agent, code) = (
                "create", #""subresource":"portforward","#, person, "kubectl/v1.31.1", 101
            )
        case 30..<34:
            (verb, resource, user, agent) = ("update", "leases", "system:node:w\(numbers.below(9))", "kubelet/v1.31")
        default: break
        }
        let ip = user == person ? address(of: person) : "10.20.8.\(numbers.below(9))"
        let body = """
            {"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"{delivery}",\
            "stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/\(resource)/\(name)","verb":"\(verb)",\
            "user":{"username":"\(user)"},"sourceIPs":["\(ip)"],"userAgent":"\(agent)","objectRef":{"resource":"\(resource)",\
            \(sub)"namespace":"shop","name":"\(name)","apiVersion":"v1"},"responseStatus":{"code":\(code)},\
            "requestReceivedTimestamp":"{time}","stageTimestamp":"{time}"\(more)}
            """
        return Delivery(source: "cluster", connector: "kubernetes-audit", body: body)
    }

    private mutating func cloud(_ repository: String) -> Delivery {
        let (service, name, parameters) = numbers.pick([
            ("sts", "AssumeRoleWithWebIdentity", #""roleArn":"arn:aws:iam::123456789012:role/release""#),
            ("s3", "GetObject", #""bucketName":"acorn-downloads","key":"install.sh""#),
            ("s3", "PutObject", #""bucketName":"acorn-downloads","key":"releases/till.tar.zst""#),
            ("kms", "Sign", #""keyId":"arn:aws:kms:eu-central-1:123456789012:key/1""#),
            ("secretsmanager", "GetSecretValue", #""secretId":"prod/\#(repository)""#),
            ("ecr", "BatchGetImage", #""repositoryName":"acorn/\#(repository)""#),
        ])
        let body = """
            {"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROA1:run",\
            "arn":"arn:aws:sts::123456789012:assumed-role/release/run","accountId":"123456789012","accessKeyId":"ASIA1"},\
            "eventTime":"{time}","eventSource":"\(service).amazonaws.com","eventName":"\(name)","awsRegion":"eu-central-1",\
            "sourceIPAddress":"10.20.30.\(numbers.below(30))","userAgent":"aws-sdk-go-v2/1.30.0","requestParameters":{\(parameters)},\
            "responseElements":null,"requestID":"{delivery}","eventID":"{delivery}","readOnly":true,"eventType":"AwsApiCall",\
            "recipientAccountId":"123456789012"}
            """
        return Delivery(source: "aws", connector: "aws-cloudtrail", body: body)
    }

    private mutating func sync(_ repository: String) -> Delivery {
        let body = """
            {"kind":"argocd.notification","version":"1","id":"{delivery}","time":"{time}","application":"\(repository)-prod",\
            "project":"shop","destination":{"server":"https://kubernetes.default.svc","namespace":"shop"},"sync":{"revision":\
            "\(hexadecimal(40))","phase":"Succeeded","started_at":"{time}","finished_at":"{time}","automated":true},"health":"Healthy"}
            """
        return Delivery(source: "argocd", connector: "argocd", body: body)
    }
}
