/// A private key for tests alone: it was made for this file and opens nothing.
enum GitHubTestKey {
    static let pem = """
        -----BEGIN RSA PRIVATE KEY-----
        MIIEogIBAAKCAQEAxK9ZZj4SgYpPRn658aG4DyBMdddFQZRyNJFs9Zxk1PNAD2Zr
        ebZQr6//g0Uiku/w1elxnzW9nkOKwG+GbXnLN3YGJhac3uWoufcpL9WYEFECpuv9
        VRjurD4agMHRus8R8jlFbHVT1dOa/zRhppK1ypgwUgMjwQcCNJ2ONH/RbWUCxOgT
        oJ+k9a0ZwBPAbDNNYYRUb71MsZSG2NprHJoPy9fq3O9X2CGdFaaMeHgyEEd2wqJQ
        IWzPqF3q2zcWjk+LB3Q2GQHBht9aiKEWiBWs2ZcpPs9zcMkTymbzgE6SoUQgu4+V
        k1YDKjB8NDYh1ayrVcHbUpSrlBecLvVMNpVYZQIDAQABAoIBAEzxAaqHDstBNXjw
        20HEz1GPg4m30F5yuWiKGVNNvn41uHIt0U54PUE1OuH52igcGB0+aNXs+oQejPlx
        x2ctNYu5LneY8f4aXnJ9V03go0+CuWRePiibi8aytsB20dpf5ffZYqimj0i/Mkuy
        jJ7Slq4t8f0rQEHjQYAewIIWHHHL2gT7JcoyqD3O6JNhUyYTCm/SbvIuz9mnYirf
        6812jTTUCxTxzWkA2963WMbHBWJZ0I76OJGpAyU4bR8gKrwlS5UO5bdGC/uXJS9C
        jZOo2nYTWp8z8C4IkmyStGV1sYiOzCs9x3w6152pcOTleGPyZTXXCIgXN1jgNYQU
        guWdqiMCgYEA4K4/Pgzbq/8OCLcHeyE/B5TCMXirTBwCigTHPgMwN+WjMDeFD4hJ
        jo8SlRjEQrrO/EpOOMHiyVmLZrW+bnWmradJwyjjI+3q+WHwH4KYDCvAHNDiZtAm
        QaxMDWobdmy6a8jmSW9kQj54ojBkREA9X4T/VRA1SLn1BciJXizXtF8CgYEA4BoS
        pYYuUoR8rt3DKFD1YDzLp6tomFjoI2EeDvbuMBOG7z/M2DP7aozWLzNo5zeP/CCP
        K1cTY+71AJQdyT/oJlcZa9JZvxZI5Jgz3quEqofEhMriWy19/sF5dy66UnpsF8rv
        XhWDII+FzKQhnanG76sIXlEInSaY+F0a37FaybsCgYAuYorX6punZJ6nGfJHb1Ot
        4v48bGcg7V9w0w+3M71OrPAF0lB8JmzZK5xwf451IE//Me/4M774Rq5K5BaOg2eH
        zlOiINzT3Bh4p8mFF9cAHEArMsyq4SokwMdqtY854bSS8ATrAD44luEcytTIamLB
        R5nXG+OEQi/do8sIUEWwDQKBgDWeB1gTAoI7sJkl9ctvk0WzRgaXvC63FtNgKRDr
        g5F9GoujeB9CUKTtjVE9u5uWb5yjLZ3w93KxeWzqAzZjU+fYbvydF1vguQ/4WnCs
        GNG0KhCbegzWlY6eO7GIPIv/Pl1y8FJSU003CYwsuN5AAJjXEul9+dGfqnnBzOw4
        QsCBAoGAUx3uYldN0YfrLdFKM6cqElcHhEPmObtCMPd15qHTUhTn8ZZvc8X7hGs9
        EhLPFf2qUY7teoXZFIldEZysqqE+2N9/VHB9Vw98VnH3O2Ua+o3mu+UVN3a2LSU8
        rmDnn5px5BeZIEz0h+VzYw/O9u2Zb3sEU3Kl7OG8pwr+kcnldfs=
        -----END RSA PRIVATE KEY-----
        """
}
