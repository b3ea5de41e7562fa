/// Certificates for tests alone, with their keys: they were made for this file and open nothing.
enum TestCertificates {
    /// The authority of server and agent.
    static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBZzCCAQ2gAwIBAgIUGNHiwlDc7V+UWSoxNDMhv2O9EMYwCgYIKoZIzj0EAwIw
        KDENMAsGA1UECgwEQWNtZTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjAw
        MTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMCgxDTALBgNVBAoMBEFjbWUxFzAV
        BgNVBAMMDlRlc3QgYXV0aG9yaXR5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
        d5HDz/FlrSMoZtUezDzEfr0HxP+m42aaP20igO3/NVNvoXapMXDNKULSw5pjIG0Y
        qFraOR6qXfi3Gbz7YKTCVaMTMBEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQD
        AgNIADBFAiEAu+LTQw+yG7DhbPFZuFxg0XVn5X/TfHexKKt98RgN7G8CIFCrq04u
        0alGWkR6bq6jcvqo22pNBaNAR8n9N7kDvViv
        -----END CERTIFICATE-----
        """
    /// `localhost`.
    static let server = """
        -----BEGIN CERTIFICATE-----
        MIIBbDCCARKgAwIBAgIUR3ijUqBKvdLjGGEBlYOI+5mYX/gwCgYIKoZIzj0EAwIw
        KDENMAsGA1UECgwEQWNtZTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjAw
        MTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCWxvY2FsaG9z
        dDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAt2+3bmMjaBci7QUm3UKU+SSqki
        XKrEd/cNBVLycgu5ITt6DMwSuBR+fCF8Ejep7RTJBn+5UBpHMn8Xcs/MI3WjLDAq
        MAwGA1UdEwEB/wQCMAAwGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMAoGCCqG
        SM49BAMCA0gAMEUCICJB5ii2aAfhl9ThKlIZuBZjxaWzJDnHkmeLNOWsRH8QAiEA
        /uOWuJh5jPiqn8Xk3n681d+hm1fXnHUlXEeXLz+vfIA=
        -----END CERTIFICATE-----
        """
    static let serverKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgqSNWMhP7fbxvJDMd
        VGEWXTO5RxJ8zGGn17eu7YP7YNahRANCAAQLdvt25jI2gXIu0FJt1ClPkkqpIlyq
        xHf3DQVS8nILuSE7egzMErgUfnwhfBI3qe0UyQZ/uVAaRzJ/F3LPzCN1
        -----END PRIVATE KEY-----
        """
    /// `C=DE,O=Acme\, Inc.,CN=agent` with `dns:agent.example` and `uri:spiffe://acme.example/agent`.
    static let agent = """
        -----BEGIN CERTIFICATE-----
        MIIBpTCCAUugAwIBAgIUK4sjds2BBofTHXaRyIC7QrbMd6IwCgYIKoZIzj0EAwIw
        KDENMAsGA1UECgwEQWNtZTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjAw
        MTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMDIxCzAJBgNVBAYTAkRFMRMwEQYD
        VQQKDApBY21lLCBJbmMuMQ4wDAYDVQQDDAVhZ2VudDBZMBMGByqGSM49AgEGCCqG
        SM49AwEHA0IABImirSOSc8BAKkyIXgVmEsZXcZ05U2bozWciGl6cwcPQ/eyvkyk1
        h0YqevRJ3gNU4tsuh7AsO2c/NYBnxky3FZejRzBFMAwGA1UdEwEB/wQCMAAwNQYD
        VR0RBC4wLIINYWdlbnQuZXhhbXBsZYYbc3BpZmZlOi8vYWNtZS5leGFtcGxlL2Fn
        ZW50MAoGCCqGSM49BAMCA0gAMEUCIQCaeUrsjsjWfBYhiYg1XGpzxMTQTbalbgod
        CGelZ8BAWgIgE6IMG2boaEBOaOf1o0mcpeIx3jBIc8PVl1h5KO6ASNI=
        -----END CERTIFICATE-----
        """
    static let agentKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgeaUxkO6T3SXpkRTg
        StQBhQMov+jnNSAZGxagdr+edA6hRANCAASJoq0jknPAQCpMiF4FZhLGV3GdOVNm
        6M1nIhpenMHD0P3sr5MpNYdGKnr0Sd4DVOLbLoewLDtnPzWAZ8ZMtxWX
        -----END PRIVATE KEY-----
        """
    /// The same names, of another authority.
    static let foreign = """
        -----BEGIN CERTIFICATE-----
        MIIBiTCCAS6gAwIBAgIUJXWsTNN7YVMvAVZvn4fOAWMcfpAwCgYIKoZIzj0EAwIw
        KDENMAsGA1UECgwEQWNtZTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjAw
        MTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMDIxCzAJBgNVBAYTAkRFMRMwEQYD
        VQQKDApBY21lLCBJbmMuMQ4wDAYDVQQDDAVhZ2VudDBZMBMGByqGSM49AgEGCCqG
        SM49AwEHA0IABK/WMKHFTxO4qJyf3d2R7s5sjDBvWX8F6mBRAjeEyTGMkk2goXjm
        6sGz/YdMqI39C6Lw2SAEfNwYnfwSF5kFC0mjKjAoMAwGA1UdEwEB/wQCMAAwGAYD
        VR0RBBEwD4INYWdlbnQuZXhhbXBsZTAKBggqhkjOPQQDAgNJADBGAiEA7jo+oPE9
        y1adrMrLkEMG5aCUI5tFosmig/C0MruwyvsCIQCE9jW8ffOIjbAm0EbUYFyPo6Nc
        iDRJ1eH+Y3LnBypnyg==
        -----END CERTIFICATE-----
        """
    static let foreignKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSWhm0FGrSWC9f5T5
        jJ6CXFVtJcydbE+AdFwznyonAwGhRANCAASv1jChxU8TuKicn93dke7ObIwwb1l/
        BepgUQI3hMkxjJJNoKF45urBs/2HTKiN/Qui8NkgBHzcGJ38EheZBQtJ
        -----END PRIVATE KEY-----
        """
    /// As SNS signs with.
    static let topic = """
        -----BEGIN CERTIFICATE-----
        MIIC2DCCAcCgAwIBAgIUZrbfQUcDWKpguPETSXHChMIHktYwDQYJKoZIhvcNAQEL
        BQAwHDEaMBgGA1UEAwwRc25zLmFtYXpvbmF3cy5jb20wIBcNMjAwMTAxMDAwMDAw
        WhgPMjEyMDAxMDEwMDAwMDBaMBwxGjAYBgNVBAMMEXNucy5hbWF6b25hd3MuY29t
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApZoo8UMWLkWSgeZYLDEk
        tGsfyUFnU/Jq4jhUEMoBO90wMFlim0WejpfSyc6bzuCKNXG0WTrM8/VsabxnG9RU
        SUDcoNPrE/1B+dvnvnOp7RLUrbugp0nXzyKoBdVTKms70rao+jJydv7LKpqwkDlx
        nDfOsnQ6JuRwDe1zztKRJQZrcGFq+nX6ZbxllcdgxLLeXvXBFvHFFa5nWaK5oDmE
        YuT+Lgbvblo45OtztQk6Hz67Y0jXmoQf0akPih37a5pAK4po2C8ZIk4yJuyYQ5AN
        w7F2sMPjbEk1mQ0SWsrkXRc7GMQL6xDGWhL8MZf+dnXxJnd8Kug+mG5ICFM8wVsJ
        HQIDAQABoxAwDjAMBgNVHRMBAf8EAjAAMA0GCSqGSIb3DQEBCwUAA4IBAQAiMT54
        u7xLFN3ZDrjTltvNWYM4m97nckkbgHlgrX52afYpmrNyK64RxTkryRW0eDcKQ1yP
        AwZj2dgH7Qd1plBFZxTFT4BYDFddSWhYuSeFpnWKFO6JZQEqKL1lZ/OVNTKy/oST
        IzVOxtjBhWDOWclKI3pHJNblNXZB7mRpZTBDcn5N6pl0bgFVKlUo7lr+Ps7Qx5uU
        Vq7XVO7LuUvNbbgfR/Y9HImxGQLSizBb89TQGCS7vSXNx48frZ2lArDbxJO+QF5F
        3soSp4RcNZ6S/Bo3JveH/kscLZgRl0hfrqoTSchjUv1vXAAGKMMJBRSuqi45SZ1P
        JAR/aazEnZE2sydD
        -----END CERTIFICATE-----
        """
    static let topicKey = """
        -----BEGIN PRIVATE KEY-----
        MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQClmijxQxYuRZKB
        5lgsMSS0ax/JQWdT8mriOFQQygE73TAwWWKbRZ6Ol9LJzpvO4Io1cbRZOszz9Wxp
        vGcb1FRJQNyg0+sT/UH52+e+c6ntEtStu6CnSdfPIqgF1VMqazvStqj6MnJ2/ssq
        mrCQOXGcN86ydDom5HAN7XPO0pElBmtwYWr6dfplvGWVx2DEst5e9cEW8cUVrmdZ
        ormgOYRi5P4uBu9uWjjk63O1CTofPrtjSNeahB/RqQ+KHftrmkArimjYLxkiTjIm
        7JhDkA3DsXaww+NsSTWZDRJayuRdFzsYxAvrEMZaEvwxl/52dfEmd3wq6D6YbkgI
        UzzBWwkdAgMBAAECggEADHNO7TapQgDWj0AhdG8cbpkYOnIZoejZqtjnzxxU4+qR
        Dy2FOZ3OGjPlc+k98xuUIIkEMWo3kwbqZ/eze9bmoFxJSikspSPXFEE5hurcxXdz
        OH2hCjrFyCu3nLqpZkjKJmE3ypnE29fzr+gR6sH63e8fMfEFlzt5Bj8KRCw2H+Wg
        wah5FEAV/plmWkzl0A//YzUz1vfFTOq8f7C9YCdH4swkfauGYSBdTdMIC8TKQFBh
        LgjxRkpuzxglm4FbZTY0BU+nqF+gIt50l+UeJ1Q2HChNl3JEEvKQegmGoboc7zK9
        94+ee2e5qf9lfbdpTj+7RehFAXHPS3dWmWWH0wvf+QKBgQDmatJHcV6NGqqhTu1D
        nWATWDPYuaFKS5ZRRNgHdHz/EoLeYkXV8nMwwaaXRveo9YFxGG3ZX2pk75Bx9YSf
        +CvZS1Y3qlSdtrd982hIpSNUNYamOepo+UBraU9L6tP5pm1V6YdCkfAxxJKcz8nV
        va/Fzb44wGz8C7PMci2Q5TxCmQKBgQC3/Rdk28ipdiwftXdaS3tLm1Iii9x2BpT3
        fvbhj2s1J6X6CJ6wa9KJ7UuYmU3zqogMdM2zx2JBXqmxLEX5G5GQX/eqP32i5ONa
        mRRr3BPU03fQJw11je1mYwWOd7geo+yjGAI3iFGIRZcNTHuCTGsC7jzb/IoOEqao
        fYATggtRJQKBgDD8ctonew+KpM4Ihp7CXYOfU952kJjH+xwqA7eKB2z/FX2L7Qbw
        NZcfBHjS6KIuF6fgprH4/Bibad0gcmLEEyZuQtUwzC5/gwEu93PCUAF+I7NBStmo
        bA6p4+bi9M/1lvcV3+DCQAuEnBrkfieH3U+zTwanukPXhREpERDl+2q5AoGAEluL
        WQHg7J+g2W0WwoijfbC6qj3AOnp/pI4jfe/8Z2pUUjVH+BxZ/m8RyuEI+RX7yxpg
        Z96t/A3A6q+bL7bDeF9K686372fdE24Qro5f4C1VWAx9eEw38q5QoJ1rXotGkiNU
        HUxZrjobTzVhYWfUiY9RvTVeZPcRb+BNxiSEko0CgYEApSZ9EdV4+HfgOrY4yFtz
        wfENIpB+03jakNdTpjzM5XzdMub9nMivhx9vRZB40rTUdlo8vOKMrwdlG5R7+bDT
        pOvspsV/t8u1ranNqLwTNV1B2kuP2mh19zkZ0Vdzcw8/dixYD0VQYI/Z+WMMnoeo
        e0gFw8Pg4pHQUf/18tnnXNE=
        -----END PRIVATE KEY-----
        """
}
