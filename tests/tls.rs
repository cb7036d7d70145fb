//! The page over TLS, as curl, OpenSSL and an attacker meet it.
#![allow(clippy::disallowed_methods)]

#[path = "common/listening.rs"]
mod listening;

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A card, a drive and the page on them over TLS.
struct Site {
    dir: tempfile::TempDir,
    server: Child,
    url: String,
    pair_url: String,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        fs::create_dir_all(dir.path().join("CARD/DCIM")).unwrap();
        fs::write(dir.path().join("CARD/DCIM/IMG_1.JPG"), "photo").unwrap();
        fs::create_dir(dir.path().join("DRIVE")).unwrap();
        fs::create_dir(dir.path().join("tls")).unwrap();
        Site::start(dir)
    }

    fn start(dir: tempfile::TempDir) -> Self {
        let kept = dir.path().join("tls");
        let flags = ["--allow-same-filesystem", "--tls", kept.to_str().unwrap()];
        let (server, said) = listening::listening(dir.path(), &flags);
        let text = |name: &str| said[name].as_str().unwrap().to_owned();
        let site = Site { url: text("url"), pair_url: text("pair_url"), dir, server };
        assert!(site.url.starts_with("https://127.0.0.1:") && site.pair_url.starts_with(&site.url));
        fs::write(site.path("ca.crt"), curl(&["-k", &site.to("/ca.crt")]).stdout).unwrap();
        site
    }

    fn again(mut self) -> Self {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        let empty = tempfile::tempdir().unwrap();
        Site::start(std::mem::replace(&mut self.dir, empty))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn authority(&self) -> String {
        self.path("ca.crt").to_str().unwrap().to_owned()
    }

    fn to(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn port(&self) -> u16 {
        self.url.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// Asks as a browser does that trusts the authority.
    fn ask(&self, args: &[&str]) -> Output {
        let (jar, authority) = (self.path("jar"), self.authority());
        let jar = jar.to_str().unwrap();
        curl(&[&["--cacert", &authority, "-b", jar, "-c", jar], args].concat())
    }

    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap();
        let anon = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        anon.trim().split(' ').next().unwrap().parse().unwrap()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn curl(args: &[&str]) -> Output {
    Command::new("curl").args(["-sS", "--max-time", "60", "--noproxy", "*"]).args(args).output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn openssl(args: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(args).output().unwrap();
    let all = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&all).into_owned())
}

#[test]
fn a_browser_that_trusts_the_authority_is_paired_and_follows_a_job() {
    let site = Site::new();
    assert_eq!(curl(&[&site.to("/")]).status.code(), Some(60), "one that does not trust it goes no further");
    let paired = text(&site.ask(&["-i", &site.pair_url]));
    let cookie = paired.lines().find(|line| line.to_ascii_lowercase().starts_with("set-cookie:")).unwrap();
    for part in ["__Host-piback_session=", "; Secure", "HttpOnly", "SameSite=Strict", "Path=/;"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!paired.to_ascii_lowercase().contains("strict-transport-security"), "{paired}");
    assert!(text(&site.ask(&["-i", &site.to("/api/v1/state")])).starts_with("HTTP/1.1 200"));
    // The same secret under the name that plain http has lets nobody in.
    let jar = fs::read_to_string(site.path("jar")).unwrap();
    let secret = jar.split_whitespace().last().unwrap();
    let plain = format!("Cookie: piback_session={secret}");
    let refused =
        text(&curl(&["--cacert", &site.authority(), "-i", "-H", &plain, &site.to("/api/v1/state")]));
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    let mut stream = Command::new("curl")
        .args(["-sSN", "--noproxy", "*", "--cacert", &site.authority(), "-b"])
        .args([site.path("jar").to_str().unwrap(), &site.to("/api/v1/events")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(stream.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut next = || -> Value {
        let line = lines.find(|line| line.starts_with("data: ")).unwrap();
        serde_json::from_str(line.strip_prefix("data: ").unwrap()).unwrap()
    };
    assert_eq!(next()["cards"][0]["label"], "CARD");
    let start = |origin: &str| {
        let wish = json!({"verb": "backup", "label": "CARD"}).to_string();
        let (kind, origin) = ("Content-Type: application/json", format!("Origin: {origin}"));
        text(&site.ask(&["-i", "-H", kind, "-H", &origin, "-d", &wish, &site.to("/api/v1/jobs")]))
    };
    for origin in [site.url.replace("https", "http"), "https://evil.example".into(), "null".into()] {
        assert!(start(&origin).starts_with("HTTP/1.1 403"), "{origin}");
    }
    assert!(start(&site.url).starts_with("HTTP/1.1 201"));
    while next()["jobs"][0]["state"] != "done" {}
    stream.kill().unwrap();
    stream.wait().unwrap();
    assert_eq!(fs::read(site.path("DRIVE/CARD/DCIM/IMG_1.JPG")).unwrap(), b"photo");
    let kilobytes = site.memory();
    assert!(kilobytes < 8_000, "{kilobytes} kB");
}

#[test]
fn the_profile_is_one_that_a_device_reads_and_stays_the_same() {
    let site = Site::new();
    let read = |site: &Site| -> Value {
        let head = text(&site.ask(&["-I", &site.to("/ca.mobileconfig")]));
        assert!(head.contains("application/x-apple-aspen-config"), "{head}");
        fs::write(site.path("profile"), site.ask(&[&site.to("/ca.mobileconfig")]).stdout).unwrap();
        let program = "import plistlib,sys,json,base64\n\
             p=plistlib.load(open(sys.argv[1],'rb'))\n\
             for c in p['PayloadContent']: c['PayloadContent']=base64.b64encode(c['PayloadContent']).decode()\n\
             print(json.dumps(p))";
        let output =
            Command::new("python3").args(["-c", program]).arg(site.path("profile")).output().unwrap();
        serde_json::from_str(&text(&output)).unwrap()
    };
    let profile = read(&site);
    let content = &profile["PayloadContent"][0];
    assert_eq!(
        (&profile["PayloadType"], &content["PayloadType"]),
        (&json!("Configuration"), &json!("com.apple.security.root"))
    );
    assert_ne!(profile["PayloadUUID"], content["PayloadUUID"]);
    let uuid = profile["PayloadUUID"].as_str().unwrap();
    assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    let pem = fs::read_to_string(site.path("ca.crt")).unwrap();
    let inner: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    assert_eq!(content["PayloadContent"], inner);
    // What a person compares.
    let (_, print) = openssl(&["x509", "-noout", "-fingerprint", "-sha256", "-in", &site.authority()]);
    let digits = print.trim().rsplit_once('=').unwrap().1.replace(':', "");
    let page = text(&site.ask(&[&site.to("/trust")]));
    assert!(page.replace(' ', "").contains(&digits), "{print} {page}");
    let (_, subject) = openssl(&["x509", "-noout", "-subject", "-in", &site.authority()]);
    let name = content["PayloadDisplayName"].as_str().unwrap();
    assert!(
        name.starts_with("piback ") && subject.trim().ends_with(name) && page.contains(name),
        "{subject}"
    );
    let kept =
        ["authority.pem", "certificate.pem"].map(|name| fs::read(site.path("tls").join(name)).unwrap());
    let site = site.again();
    assert_eq!(read(&site), profile, "the same after a restart");
    for (at, name) in ["authority.pem", "certificate.pem"].into_iter().enumerate() {
        let path = site.path("tls").join(name);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        assert!(fs::read(&path).unwrap() == kept[at], "{name} is made once");
    }
}

#[test]
fn openssl_takes_the_certificate_for_the_page_and_the_authority_for_nothing_else() {
    let site = Site::new();
    let ca = site.authority();
    let own = site.path("tls/certificate.pem").to_str().unwrap().to_owned();
    let strict = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", &ca];
    for (flag, name, good) in [
        ("-verify_ip", "127.0.0.1", true),
        ("-verify_hostname", "piback.lan", true),
        ("-verify_ip", "127.0.0.2", false),
        ("-verify_hostname", "bank.example", false),
    ] {
        let (taken, said) = openssl(&[&strict[..], &[flag, name, &own]].concat());
        assert_eq!(taken, good, "{name}: {said}");
    }
    let (_, leaf) = openssl(&["x509", "-noout", "-text", "-in", &own]);
    for part in ["prime256v1", "TLS Web Server Authentication", "IP Address:127.0.0.1", "DNS:piback.lan"] {
        assert!(leaf.contains(part), "{part}: {leaf}");
    }
    let (_, root) = openssl(&["x509", "-noout", "-text", "-in", &ca]);
    for part in ["CA:TRUE, pathlen:0", "X509v3 Name Constraints: critical", "Certificate Sign"] {
        assert!(root.contains(part), "{part}: {root}");
    }
    // Whoever steals the authority's key makes one for a bank.
    let path = |name: &str| site.path(name).to_str().unwrap().to_owned();
    fs::write(
        site.path("ext"),
        "subjectAltName=DNS:bank.example\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    let (made, said) = openssl(&[
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=bank.example",
        "-keyout",
        &path("key"),
        "-out",
        &path("csr"),
    ]);
    assert!(made, "{said}");
    let authority = path("tls/authority.pem");
    let (made, said) = openssl(&[
        "x509",
        "-req",
        "-in",
        &path("csr"),
        "-CA",
        &authority,
        "-CAkey",
        &authority,
        "-set_serial",
        "7",
        "-days",
        "9",
        "-extfile",
        &path("ext"),
        "-out",
        &path("bank"),
    ]);
    assert!(made, "{said}");
    let (taken, said) = openssl(&["verify", "-CAfile", &ca, &path("bank")]);
    assert!(!taken && said.contains("permitted subtree violation"), "{said}");
}

#[test]
fn half_open_handshakes_and_strangers_hold_nobody_up() {
    let site = Site::new();
    text(&site.ask(&[&site.pair_url]));
    let mut idle: Vec<TcpStream> =
        (0..200).map(|_| TcpStream::connect(("127.0.0.1", site.port())).unwrap()).collect();
    for (n, stream) in idle.iter_mut().enumerate() {
        // Silent, plain http, half a ClientHello, and noise.
        let begin: &[u8] = match n % 4 {
            0 => b"",
            1 => b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            2 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03half",
            _ => &[0xff; 400],
        };
        stream.write_all(begin).unwrap();
    }
    assert!(text(&site.ask(&["-i", &site.to("/api/v1/state")])).starts_with("HTTP/1.1 200"));
    // What speaks no TLS is answered with its end, not with a page.
    let mut answer = Vec::new();
    idle[1].set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let _ = idle[1].read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP") && answer.len() < 64, "{answer:?}");
    // One that was let in with an old protocol would be a way around.
    assert!(!curl(&["--cacert", &site.authority(), "--tls-max", "1.2", &site.to("/")]).status.success());
    let kilobytes = site.memory();
    assert!(kilobytes < 24_000, "{kilobytes} kB");
    // A silent one is let go of.
    idle[0].set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    assert_eq!(idle[0].read(&mut [0]).unwrap_or(0), 0);
}

/// The appliance's page on two sockets, as systemd starts it.
struct Appliance {
    server: Child,
    plain: String,
    secure: String,
}

impl Appliance {
    fn start(credentials: &Path) -> Self {
        let sockets = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [plain, secure] = [0, 1].map(|at: usize| sockets[at].local_addr().unwrap());
        let fds = [0, 1].map(|at: usize| sockets[at].as_raw_fd());
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                "LISTEN_PID=$$ LISTEN_FDS=2 exec \"$0\" web --appliance",
                env!("CARGO_BIN_EXE_piback"),
            ])
            .env("CREDENTIALS_DIRECTORY", credentials)
            .stdin(Stdio::null());
        // SAFETY: between fork and exec it only duplicates descriptors.
        unsafe { command.pre_exec(move || hand_over(fds)) };
        let server = command.spawn().unwrap();
        Appliance { server, plain: format!("http://{plain}"), secure: format!("https://{secure}") }
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn hand_over(fds: [RawFd; 2]) -> std::io::Result<()> {
    // Out of each other's way first.
    let far = fds.map(|fd| unsafe { libc::fcntl(fd, libc::F_DUPFD, 50) });
    for (fd, to) in far.into_iter().zip([3, 4]) {
        if fd < 0 || unsafe { libc::dup2(fd, to) } < 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    Ok(())
}

#[test]
fn plain_http_leads_to_the_page_over_tls_and_serves_nothing_but_the_way_to_trust_it() {
    let site = Site::new();
    let folder = site.path("credentials");
    fs::create_dir(&folder).unwrap();
    fs::copy(site.path("tls/certificate.pem"), folder.join("page.pem")).unwrap();
    let appliance = Appliance::start(&folder);
    let plain = |path: &str| format!("{}{path}", appliance.plain);
    for path in ["/", "/photos?label=A%20B", "/api/v1/state", "/pair/abc"] {
        let answer = text(&curl(&["-i", &plain(path)]));
        let place = format!("location: {}{path}\r\n", appliance.secure);
        assert!(answer.starts_with("HTTP/1.1 302") && answer.contains(&place), "{answer}");
        assert!(!answer.to_ascii_lowercase().contains("set-cookie"), "{answer}");
    }
    for args in [["-d", "code=AAAAAAAA"], ["-X", "DELETE"]] {
        let origin = format!("Origin: {}", appliance.plain);
        let refused = text(&curl(&["-i", args[0], args[1], "-H", &origin, &plain("/pair")]));
        assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    }
    assert!(text(&curl(&["-i", "-H", "Host: evil.example", &plain("/")])).starts_with("HTTP/1.1 403"));
    assert_eq!(text(&curl(&[&plain("/ca.crt")])), fs::read_to_string(site.path("ca.crt")).unwrap());
    assert!(text(&curl(&[&plain("/ca.mobileconfig")])).contains("com.apple.security.root"));
    let page = text(&curl(&["-i", &plain("/trust")]));
    assert!(
        page.contains("Certificate Trust Settings")
            && page.contains(&format!("href=\"{}/\"", appliance.secure))
    );
    assert!(page.contains("content-security-policy") && !page.contains("PRIVATE"), "{page}");
    assert!(text(&curl(&["-i", &plain("/style.css")])).starts_with("HTTP/1.1 200"));
    // The page itself, which asks for a code.
    let door = text(&curl(&["--cacert", &site.authority(), "-L", &plain("/")]));
    assert!(door.contains("code of eight letters"), "{door}");
}

#[test]
fn without_a_certificate_nothing_is_served_in_plain_instead() {
    let dir = tempfile::tempdir().unwrap();
    for text_of_it in [None, Some("none")] {
        if let Some(text) = text_of_it {
            fs::write(dir.path().join("page.pem"), text).unwrap();
        }
        let appliance = Appliance::start(dir.path());
        for path in ["/", "/trust", "/ca.crt", "/devices"] {
            let answer = text(&curl(&["-i", &format!("{}{path}", appliance.plain)]));
            assert!(
                answer.starts_with("HTTP/1.1 503") && answer.contains("The page has no certificate"),
                "{answer}"
            );
        }
        assert!(!curl(&["-k", &appliance.secure]).status.success());
    }
}
